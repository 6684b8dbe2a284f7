#include "gateway/import_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <limits>

#include "base/glob.hpp"
#include "base/import_filters.hpp"
#include "base/text.hpp"

namespace imgimport {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 32;
constexpr std::string_view kImportExample = R"({"folder_url": "https://drive.google.com/drive/folders/FOLDER_ID"})";
constexpr std::string_view kSessionExample = R"({"token": "…"})";
constexpr std::array<std::string_view, 4> kImportFields = {"folder_url", "recursive", "dry_run", "filters"};
constexpr std::array<std::string_view, 10> kFilters = {
    "min_size",   "max_size",    "mime_types",   "name_glob",      "min_width",
    "min_height", "taken_after", "taken_before", "modified_after", "modified_before"};

Error bad_json(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message)).with_reason("bad_json");
}

Error bad_field(std::string_view name, std::string_view must_be) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("The field {} must be {}", name, must_be))
      .with_reason("bad_field")
      .with_remedy(fmt::format("Send {} as {}.", name, must_be));
}

std::string place_in_words(std::string_view body, std::size_t offset) {
  const std::string_view before = body.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return fmt::format("line {}, column {}", line, offset - line_start + 1);
}

Result<json::object> read_object(std::string_view body) {
  if (trim(body).empty()) return bad_json("The request has no body, where a JSON object is expected");
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::stream_parser parser({}, options);
  json::error_code error;
  const std::size_t consumed = parser.write_some(body.data(), body.size(), error);
  if (error) {
    return bad_json(
        fmt::format("The body is not valid JSON: {} at {}", error.message(), place_in_words(body, consumed)));
  }
  if (const auto rest = body.find_first_not_of(" \t\r\n", consumed); rest != std::string_view::npos) {
    return bad_json(fmt::format("The body goes on behind the end of its JSON at {}", place_in_words(body, rest)));
  }
  parser.finish(error);
  if (error) return bad_json("The body is not valid JSON: it ends too early");
  json::value value = parser.release();
  if (!value.is_object()) return bad_json("The body must be a JSON object, and is something else");
  return std::move(value.as_object());
}

// `example`: a body that this path takes.
Result<json::object> parse_object(std::string_view body, std::string_view example) {
  auto object = read_object(body);
  if (object) return object;
  return std::move(object).error().with_remedy(fmt::format("Send a JSON object in UTF-8, such as {}.", example));
}

// Reads the fields of one object; the first wrong one is remembered.
class FieldReader {
 public:
  FieldReader(const json::object& object, std::string_view prefix) : object_(object), prefix_(prefix) {}

  // nullptr: absent or null.
  const json::value* find(std::string_view name) const {
    const json::value* value = object_.if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  std::string text(std::string_view name) {
    const json::value* value = find(name);
    if (value == nullptr) return {};
    if (!value->is_string()) return fail(name, "a string"), std::string();
    return std::string(value->get_string());
  }

  bool flag(std::string_view name, bool otherwise) {
    const json::value* value = find(name);
    if (value == nullptr) return otherwise;
    if (!value->is_bool()) return fail(name, "true or false"), otherwise;
    return value->get_bool();
  }

  template <class Integer>
  std::optional<Integer> count(std::string_view name, std::string_view must_be) {
    const json::value* value = find(name);
    if (value == nullptr) return std::nullopt;
    const auto number = whole(*value);
    if (!number || *number < 0 || *number > static_cast<std::int64_t>(limit<Integer>())) {
      fail(name, must_be);
      return std::nullopt;
    }
    return static_cast<Integer>(*number);
  }

  std::vector<std::string> mime_types(std::string_view name) {
    constexpr std::string_view kMustBe = "a list of types such as [\"image/jpeg\", \"image/*\"]";
    const json::value* value = find(name);
    if (value == nullptr) return {};
    if (!value->is_array()) return fail(name, kMustBe), std::vector<std::string>();
    std::vector<std::string> types;
    for (const json::value& type : value->get_array()) {
      auto filter = type.is_string() ? parse_mime_filter(type.get_string()) : std::nullopt;
      if (!filter) {
        fail(name, kMustBe);
        return {};
      }
      types.push_back(*std::move(filter));
    }
    return types;
  }

  std::string local_time(std::string_view name) {
    std::string value = text(name);
    if (!value.empty() && !is_local_time(value)) {
      fail(name, "a date YYYY-MM-DD or a local time YYYY-MM-DDTHH:MM:SS without an offset");
    }
    return value;
  }

  std::optional<Timestamp> instant(std::string_view name, std::optional<Timestamp> (*parse)(std::string_view)) {
    const std::string value = text(name);
    if (value.empty()) return std::nullopt;
    const auto time = parse(value);
    if (!time) fail(name, "a date YYYY-MM-DD (in UTC), or a time as in RFC 3339, such as 2024-05-31T12:00:00Z");
    return time;
  }

  void fail(std::string_view name, std::string_view must_be) {
    if (!error_) error_ = bad_field(fmt::format("{}{}", prefix_, name), must_be);
  }
  const std::optional<Error>& error() const noexcept { return error_; }

 private:
  template <class Integer>
  static constexpr std::uint64_t limit() {
    return std::min<std::uint64_t>(std::numeric_limits<Integer>::max(), std::numeric_limits<std::int64_t>::max());
  }

  // Also 1e6 and 5.0, which some languages print for whole numbers.
  static std::optional<std::int64_t> whole(const json::value& value) {
    constexpr double kExact = 9007199254740992.0;  // 2^53
    if (value.is_int64()) return value.get_int64();
    if (!value.is_double()) return std::nullopt;
    const double number = value.get_double();
    if (number != std::floor(number) || std::abs(number) > kExact) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }

  const json::object& object_;
  std::string_view prefix_;
  std::optional<Error> error_;
};

// A link as it is pasted out of a text: with the quotes or angle brackets that were around it.
std::string_view without_wrapping(std::string_view link) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kPairs{
      {{"\"", "\""}, {"'", "'"}, {"<", ">"}, {"\u201c", "\u201d"}, {"`", "`"}}};
  link = trim(link);
  for (const auto& [left, right] : kPairs) {
    if (link.size() < left.size() + right.size() || !link.starts_with(left) || !link.ends_with(right)) continue;
    link.remove_prefix(left.size());
    link.remove_suffix(right.size());
    return trim(link);
  }
  return link;
}

Result<void> check_filter_names(const json::object& object) {
  for (const auto& [key, value] : object) {
    if (std::find(kFilters.begin(), kFilters.end(), std::string_view(key)) != kFilters.end()) continue;
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("There is no filter \"{}\"; the filters are {}",
                             to_valid_utf8(std::string_view(key).substr(0, 60)), fmt::join(kFilters, ", ")))
        .with_reason("unknown_filter")
        .with_remedy("Correct the filter's name, or leave it out.");
  }
  return {};
}

// Letters and digits alone, in lower case: what dry_run, dry-run, dryRun and Dry_Run have in common.
std::string bare_name(std::string_view name) {
  std::string bare = to_lower_ascii(name);
  std::erase_if(bare, [](char c) { return c == '-' || c == '_'; });
  return bare;
}

// A field that is meant and written otherwise must not be ignored: without its dry_run, an import would be a real one.
Result<void> check_field_names(const json::object& object) {
  for (const auto& [key, value] : object) {
    const std::string_view name = key;
    if (std::find(kImportFields.begin(), kImportFields.end(), name) != kImportFields.end()) continue;
    const auto meant = std::find_if(kImportFields.begin(), kImportFields.end(), [&](std::string_view field) {
      return name.size() <= 2 * field.size() && bare_name(name) == bare_name(field);
    });
    if (meant == kImportFields.end()) continue;
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("There is no field \"{}\"; it is called \"{}\"", to_valid_utf8(name), *meant))
        .with_reason("unknown_field")
        .with_remedy(fmt::format("Send it as \"{}\", or leave it out.", *meant));
  }
  return {};
}

Result<ImportFilters> parse_filters(const json::object& object) {
  IMGIMPORT_RETURN_IF_ERROR(check_filter_names(object));
  constexpr std::string_view kBytes = "a whole number of bytes, 0 or greater";
  constexpr std::string_view kPixels = "a whole number of pixels, 0 or greater";
  FieldReader fields(object, "filters.");
  ImportFilters filters;
  filters.min_size = fields.count<std::uint64_t>("min_size", kBytes);
  filters.max_size = fields.count<std::uint64_t>("max_size", kBytes);
  filters.mime_types = fields.mime_types("mime_types");
  filters.name_glob = fields.text("name_glob");
  if (const auto trouble = glob_trouble(filters.name_glob)) {
    fields.fail("name_glob", "a pattern with *, ?, [a-z] and {a,b}: " + *trouble);
  }
  filters.min_width = fields.count<std::int32_t>("min_width", kPixels);
  filters.min_height = fields.count<std::int32_t>("min_height", kPixels);
  filters.taken_after = fields.local_time("taken_after");
  filters.taken_before = fields.local_time("taken_before");
  filters.modified_after = fields.instant("modified_after", parse_modified_after);
  filters.modified_before = fields.instant("modified_before", parse_modified_before);
  if (const auto crossed = crossed_bounds(filters)) {
    fields.fail(crossed->lower,
                fmt::format("no {} than filters.{}", crossed->in_time ? "later" : "greater", crossed->upper));
  }
  if (fields.error()) return *fields.error();
  return filters;
}

}  // namespace

Result<ImportRequest> parse_import_request(std::string_view body) {
  IMGIMPORT_ASSIGN_OR_RETURN(const json::object object, parse_object(body, kImportExample));
  IMGIMPORT_RETURN_IF_ERROR(check_field_names(object));
  FieldReader fields(object, "");
  ImportRequest request;
  request.folder_url = without_wrapping(fields.text("folder_url"));
  if (request.folder_url.empty()) fields.fail("folder_url", "a string, the link to a Google Drive folder");
  request.recursive = fields.flag("recursive", true);
  request.dry_run = fields.flag("dry_run", false);
  const json::value* filters = fields.find("filters");
  if (filters != nullptr && !filters->is_object()) fields.fail("filters", "an object");
  if (fields.error()) return *fields.error();
  if (filters != nullptr) {
    IMGIMPORT_ASSIGN_OR_RETURN(request.filters, parse_filters(filters->get_object()));
  }
  return request;
}

Result<std::string> parse_session_request(std::string_view body) {
  IMGIMPORT_ASSIGN_OR_RETURN(const json::object object, parse_object(body, kSessionExample));
  FieldReader fields(object, "");
  std::string token = fields.text("token");
  if (token.empty()) fields.fail("token", "a string, the API token");
  if (fields.error()) return *fields.error();
  return token;
}

}  // namespace imgimport
