#include "gateway/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::array<std::string_view, 3> kProviders = {"local", "aws", "azure"};
constexpr std::size_t kMaxIdempotencyKey = 255;
// Of names and paths to look for.
constexpr std::size_t kMaxText = 4000;
// What is quoted back of a wrong value.
constexpr std::size_t kMaxQuoted = 60;

std::string quoted(std::string_view value) {
  const std::string text = to_valid_utf8(value.substr(0, kMaxQuoted));
  return fmt::format("\"{}{}\"", text, value.size() > kMaxQuoted ? "…" : "");
}

// `name` begins a sentence: a parameter's, or "The job id".
Error bad_parameter(std::string_view name, std::string_view must_be, std::string_view value) {
  const bool is_phrase = name.starts_with("The ");
  return Error(ErrorCode::kInvalidArgument, fmt::format("{} must be {}, not {}", name, must_be, quoted(value)))
      .with_reason("bad_parameter")
      .with_remedy(fmt::format("Give {}{} as {}.", is_phrase ? "the " : "", name.substr(is_phrase ? 4 : 0), must_be));
}

std::string range_in_words(const NumberParameter& parameter) {
  if (parameter.most == std::numeric_limits<std::int64_t>::max()) {
    return fmt::format("a whole number, {} or greater", parameter.least);
  }
  return fmt::format("a whole number from {} to {}", parameter.least, parameter.most);
}

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

Result<std::string> day_parameter(const HttpRequest& request, std::string_view name) {
  const std::string day(request.query_value(name).value_or(""));
  const bool is_day = day.size() == 10 && from_rfc3339(day + "T00:00:00Z");
  if (!day.empty() && !is_day) return bad_parameter(name, "a day, YYYY-MM-DD", day);
  return day;
}

}  // namespace

Result<std::int64_t> number_parameter(const HttpRequest& request, const NumberParameter& parameter) {
  const auto text = request.query_value(parameter.name);
  if (!text || text->empty()) return parameter.otherwise;
  const auto value = whole_number<std::int64_t>(*text);
  if (!value || *value < parameter.least || *value > parameter.most) {
    return bad_parameter(parameter.name, range_in_words(parameter), *text);
  }
  return *value;
}

Result<JobId> job_id_from(std::string_view text, std::string_view name) {
  if (!is_uuid(text)) {
    return bad_parameter(name, "a UUID such as 123e4567-e89b-42d3-a456-426614174000", text);
  }
  return JobId(to_lower_ascii(text));
}

Result<JobId> job_id_argument(const HttpRequest& request) {
  return job_id_from(request.path_arg("job_id"), "The job id");
}

Result<ImageId> image_id_argument(const HttpRequest& request) {
  const std::string& text = request.path_arg("id");
  const bool is_whole = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_whole) return bad_parameter("The image id", "a whole number, 1 or greater", text);
  const auto value = whole_number<std::int64_t>(text);
  if (value && *value >= 1) return ImageId(*value);
  // Greater than any id there can be, or 0.
  return Error(ErrorCode::kNotFound, fmt::format("there is no image {}", text.substr(0, kMaxQuoted)))
      .with_reason("no_such_image");
}

Result<ImageQuery> image_query(const HttpRequest& request) {
  ImageQuery query;
  if (const auto provider = request.query_value("storage_provider"); provider && !provider->empty()) {
    if (std::find(kProviders.begin(), kProviders.end(), *provider) == kProviders.end()) {
      return bad_parameter("storage_provider", "one of local, aws, azure", *provider);
    }
    query.storage_provider = *provider;
  }
  IMGIMPORT_ASSIGN_OR_RETURN(query.text, text_parameter(request, "q"));
  IMGIMPORT_ASSIGN_OR_RETURN(query.folder, text_parameter(request, "folder"));
  IMGIMPORT_ASSIGN_OR_RETURN(query.camera, text_parameter(request, "camera"));
  IMGIMPORT_ASSIGN_OR_RETURN(query.taken_after, day_parameter(request, "taken_after"));
  IMGIMPORT_ASSIGN_OR_RETURN(query.taken_before, day_parameter(request, "taken_before"));
  if (const auto job = request.query_value("job_id"); job && !job->empty()) {
    IMGIMPORT_ASSIGN_OR_RETURN(query.job, job_id_from(*job, "job_id"));
  }
  return query;
}

Result<std::optional<ImageId>> image_cursor(const HttpRequest& request) {
  const auto text = request.query_value("cursor");
  if (!text || text->empty()) return std::optional<ImageId>();
  const auto value = whole_number<std::int64_t>(*text);
  if (!value || *value < 1) return bad_parameter("cursor", "the next_cursor of an earlier answer", *text);
  return std::optional<ImageId>(*value);
}

Result<std::string> text_parameter(const HttpRequest& request, std::string_view name) {
  const std::string text(request.query_value(name).value_or(""));
  if (!is_valid_utf8(text)) return bad_parameter(name, "UTF-8 text", text);
  if (text.size() > kMaxText) return bad_parameter(name, fmt::format("text of at most {} bytes", kMaxText), text);
  return text;
}

Result<std::optional<ItemState>> state_parameter(const HttpRequest& request) {
  const auto text = request.query_value("state");
  if (!text || text->empty()) return std::optional<ItemState>();
  const auto state = item_state_from_string(*text);
  if (!state) {
    return bad_parameter(
        "state", "one of pending, imported, skipped, deduplicated, failed, deferred, cancelled, ignored", *text);
  }
  return std::optional<ItemState>(*state);
}

Result<std::string> idempotency_key(const HttpRequest& request) {
  const auto text = request.headers.find("Idempotency-Key");
  if (!text) return std::string();
  const bool visible = std::all_of(text->begin(), text->end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (text->empty() || text->size() > kMaxIdempotencyKey || !visible) {
    return bad_parameter("The header Idempotency-Key", "1 to 255 visible ASCII characters", *text);
  }
  return std::string(*text);
}

}  // namespace imgimport
