#include "metadata/values.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <span>

#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::uint64_t kLargestSize = std::uint64_t{1} << 50;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

template <class Integer>
void put(boost::json::object& json, std::string_view name, const std::optional<Integer>& value) {
  if (value) json[name] = *value;
}

void put(boost::json::object& json, std::string_view name, const std::string& value) {
  if (!value.empty()) json[name] = stored_text(value);
}

template <class Integer>
std::optional<Integer> get(const boost::json::object& json, std::string_view name) {
  const auto* value = json.if_contains(name);
  if (value == nullptr) return std::nullopt;
  return value->to_number<Integer>();
}

std::string get_text(const boost::json::object& json, std::string_view name) {
  const auto* value = json.if_contains(name);
  return value == nullptr ? std::string() : std::string(value->as_string());
}

}  // namespace

std::string stored_text(std::string_view text) {
  if (is_valid_utf8(text) && text.find('\0') == std::string_view::npos) return std::string(text);
  std::string valid = to_valid_utf8(text);
  for (auto nul = valid.find('\0'); nul != std::string::npos; nul = valid.find('\0', nul)) {
    valid.replace(nul, 1, kReplacement);
  }
  return valid;
}

std::optional<std::string> or_null(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> hash_bytes(std::string_view hex, std::size_t bytes) {
  if (hex.size() != bytes * 2) return std::nullopt;
  return from_hex(hex);
}

std::string hash_hex(std::string_view bytes) {
  return to_hex(std::as_bytes(std::span(bytes)));
}

std::optional<std::string> hash_text(std::string_view hex, std::size_t bytes) {
  const auto raw = hash_bytes(hex, bytes);
  if (!raw) return std::nullopt;
  return hash_hex(*raw);
}

Error no_such_job(const JobId& id) {
  return Error(ErrorCode::kNotFound, "there is no job " + id.value())
      .with_reason("no_such_job")
      .with_remedy("GET /api/import/jobs lists the jobs that there are.");
}

Error no_such_image(ImageId id) {
  return Error(ErrorCode::kNotFound, "there is no image " + std::to_string(id.value()))
      .with_reason("no_such_image")
      .with_remedy("GET /api/images lists the images that there are; this one may have been deleted.");
}

Error no_such_key() {
  return Error(ErrorCode::kNotFound, "no job was made with this idempotency key").with_reason("no_such_key");
}

JobTrouble joined(const std::optional<JobTrouble>& before, const JobTrouble& added) {
  constexpr std::size_t kLongEnough = 2'000;
  constexpr std::string_view kMore = " And more.";
  const auto join = [](const std::string& one, const std::string& other) {
    if (one.empty() || other.empty() || one.find(other) != std::string::npos) return one + (one.empty() ? other : "");
    return one + (one.ends_with('.') ? " " : ". ") + other;
  };
  if (!before) return added;
  JobTrouble both{before->reason, before->message, join(before->remedy, added.remedy)};
  if (both.message.size() < kLongEnough) {
    both.message = join(both.message, added.message);
  } else if (!both.message.ends_with(kMore)) {
    both.message += kMore;
  }
  return both;
}

std::int64_t to_millis(Timestamp time) noexcept {
  return time.time_since_epoch().count();
}

std::optional<std::int64_t> to_millis(const std::optional<Timestamp>& time) noexcept {
  if (!time) return std::nullopt;
  return to_millis(*time);
}

Timestamp from_millis(std::int64_t millis) noexcept {
  return Timestamp(std::chrono::milliseconds(millis));
}

std::optional<Timestamp> from_millis(const std::optional<std::int64_t>& millis) noexcept {
  if (!millis) return std::nullopt;
  return from_millis(*millis);
}

std::int64_t stored_size(std::uint64_t bytes) noexcept {
  return static_cast<std::int64_t>(std::min(bytes, kLargestSize));
}

std::optional<std::int64_t> stored_size(const std::optional<std::uint64_t>& bytes) noexcept {
  if (!bytes) return std::nullopt;
  return stored_size(*bytes);
}

std::int64_t key_hash(const ObjectKey& key) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : key.value()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return static_cast<std::int64_t>(hash);
}

std::string like_pattern(std::string_view part) {
  std::string pattern = "%";
  for (const char c : stored_text(part)) {
    if (c == '%' || c == '_' || c == '[' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern += '%';
}

std::string filters_to_json(const ImportFilters& filters) {
  boost::json::object json;
  put(json, "min_size", filters.min_size);
  put(json, "max_size", filters.max_size);
  if (!filters.mime_types.empty()) {
    auto& types = json["mime_types"].emplace_array();
    for (const auto& type : filters.mime_types) types.emplace_back(stored_text(type));
  }
  put(json, "name_glob", filters.name_glob);
  put(json, "min_width", filters.min_width);
  put(json, "min_height", filters.min_height);
  put(json, "taken_after", filters.taken_after);
  put(json, "taken_before", filters.taken_before);
  put(json, "modified_after", to_millis(filters.modified_after));
  put(json, "modified_before", to_millis(filters.modified_before));
  return boost::json::serialize(json);
}

ImportFilters filters_from_json(std::string_view text) {
  const auto value = boost::json::parse(text);
  const auto& json = value.as_object();
  ImportFilters filters;
  filters.min_size = get<std::uint64_t>(json, "min_size");
  filters.max_size = get<std::uint64_t>(json, "max_size");
  if (const auto* types = json.if_contains("mime_types")) {
    for (const auto& type : types->as_array()) filters.mime_types.emplace_back(type.as_string());
  }
  filters.name_glob = get_text(json, "name_glob");
  filters.min_width = get<std::int32_t>(json, "min_width");
  filters.min_height = get<std::int32_t>(json, "min_height");
  filters.taken_after = get_text(json, "taken_after");
  filters.taken_before = get_text(json, "taken_before");
  filters.modified_after = from_millis(get<std::int64_t>(json, "modified_after"));
  filters.modified_before = from_millis(get<std::int64_t>(json, "modified_before"));
  return filters;
}

}  // namespace imgimport
