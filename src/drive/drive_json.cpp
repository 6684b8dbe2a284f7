#include "drive/drive_json.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

#include "base/text.hpp"

namespace imgimport {
namespace {

namespace json = boost::json;

constexpr std::string_view kFolderMime = "application/vnd.google-apps.folder";
constexpr std::string_view kShortcutMime = "application/vnd.google-apps.shortcut";

Error malformed(std::string_view what) {
  return Error(ErrorCode::kUnavailable, "Google Drive's answer is malformed: " + std::string(what))
      .with_reason("malformed_answer")
      .with_remedy("If it stays so, check GOOGLE_DRIVE_API_URL and any proxy on the way.");
}

// Half of a surrogate pair is no character, and Boost.JSON refuses the whole text for it; Drive passes on the names
// that its users' programs wrote. Such escapes become U+FFFD.
std::string mend_lone_surrogates(std::string_view text) {
  const auto unit_at = [text](std::size_t at) -> unsigned {
    unsigned unit = 0;
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return 0;
    const auto [end, error] = std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16);
    return error == std::errc() && end == text.data() + at + 6 ? unit : 0;
  };
  const auto is_high = [](unsigned unit) { return unit >= 0xd800 && unit < 0xdc00; };
  const auto is_low = [](unsigned unit) { return unit >= 0xdc00 && unit < 0xe000; };
  std::string mended;
  mended.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 1;
    if (text[at] == '\\') {
      const unsigned unit = unit_at(at);
      length = unit != 0 ? 6 : 2;
      if (is_high(unit) && is_low(unit_at(at + 6))) {
        length = 12;
      } else if (is_high(unit) || is_low(unit)) {
        mended += "\\ufffd";
        at += 6;
        continue;
      }
    }
    mended.append(text.substr(at, length));
    at += length;
  }
  return mended;
}

Result<json::value> parse(std::string_view text, json::storage_ptr storage) {
  json::error_code failure;
  const json::parse_options options{.allow_invalid_utf8 = true};
  json::value root = json::parse(text, failure, storage, options);
  if (failure) root = json::parse(mend_lone_surrogates(text), failure, storage, options);
  if (failure) return malformed("it is no JSON");
  if (!root.is_object()) return malformed("it is no JSON object");
  return root;
}

const json::object* object_in(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

std::string_view text_in(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  const json::string* const text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

std::optional<std::int64_t> integer_in(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  json::error_code failure;
  const auto number = value->to_number<std::int64_t>(failure);
  return failure ? std::nullopt : std::optional(number);
}

std::optional<double> real_in(const json::object& object, std::string_view key, double limit) {
  const json::value* const value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  json::error_code failure;
  const auto number = value->to_number<double>(failure);
  if (failure || !std::isfinite(number) || std::abs(number) > limit) return std::nullopt;
  return number;
}

bool flag_in(const json::object& object, std::string_view key, std::optional<bool> absent) {
  const json::value* const value = object.if_contains(key);
  const bool* const flag = value == nullptr ? nullptr : value->if_bool();
  return flag == nullptr ? absent.value_or(false) : *flag;
}

// int64 values are strings in Google's JSON.
std::optional<std::uint64_t> size_in(const json::object& object) {
  if (const auto size = whole_number<std::uint64_t>(text_in(object, "size"))) return size;
  const auto number = integer_in(object, "size");
  return number && *number >= 0 ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
}

std::string hash_in(const json::object& object, std::string_view key, std::size_t digits) {
  const std::string hash = to_lower_ascii(text_in(object, key));
  return hash.size() == digits && from_hex(hash) ? hash : std::string();
}

std::optional<std::int32_t> pixels_in(const json::object& object, std::string_view key) {
  const auto pixels = integer_in(object, key);
  if (!pixels || *pixels <= 0 || *pixels > INT32_MAX) return std::nullopt;
  return static_cast<std::int32_t>(*pixels);
}

ImageFacts parse_facts(const json::object& resource) {
  ImageFacts facts;
  const json::object* const image = object_in(resource, "imageMediaMetadata");
  if (image == nullptr) return facts;
  facts.width = pixels_in(*image, "width");
  facts.height = pixels_in(*image, "height");
  // `rotation` counts quarter turns.
  if (integer_in(*image, "rotation").value_or(0) % 2 != 0) std::swap(facts.width, facts.height);
  facts.taken_at = exif_time_to_iso(text_in(*image, "time"));
  facts.camera =
      camera_name(to_valid_utf8(text_in(*image, "cameraMake")), to_valid_utf8(text_in(*image, "cameraModel")));
  if (const json::object* const location = object_in(*image, "location")) {
    const auto latitude = real_in(*location, "latitude", 90);
    const auto longitude = real_in(*location, "longitude", 180);
    if (latitude && longitude) {
      facts.latitude = latitude;
      facts.longitude = longitude;
    }
  }
  return facts;
}

SourceFile parse_file(const json::object& resource) {
  SourceFile file;
  file.id = DriveId(std::string(text_in(resource, "id")));
  file.name = to_valid_utf8(text_in(resource, "name"));
  file.mime_type = std::string(text_in(resource, "mimeType"));
  file.size = size_in(resource);
  file.hashes = {.md5 = hash_in(resource, "md5Checksum", 32),
                 .sha1 = hash_in(resource, "sha1Checksum", 40),
                 .sha256 = hash_in(resource, "sha256Checksum", 64)};
  file.head_revision = std::string(text_in(resource, "headRevisionId"));
  file.resource_key = std::string(text_in(resource, "resourceKey"));
  file.modified_at = from_rfc3339(text_in(resource, "modifiedTime"));
  const json::object* const capabilities = object_in(resource, "capabilities");
  file.can_download = capabilities == nullptr || flag_in(*capabilities, "canDownload", true);
  file.trashed = flag_in(resource, "trashed", false);
  file.image = parse_facts(resource);
  return file;
}

void parse_shortcut(const json::object& resource, SourceEntry& entry) {
  const json::object* const details = object_in(resource, "shortcutDetails");
  entry.kind = EntryKind::kFileShortcut;
  if (details == nullptr) return;
  const DriveId target(std::string(text_in(*details, "targetId")));
  std::string key(text_in(*details, "targetResourceKey"));
  if (text_in(*details, "targetMimeType") == kFolderMime) {
    entry.kind = EntryKind::kFolderShortcut;
    entry.folder = {.id = target, .name = entry.file.name, .resource_key = std::move(key), .shared_drive = {}};
  } else {
    entry.target = {.id = target, .resource_key = std::move(key)};
  }
}

Result<DriveResource> parse_resource(const json::value& value) {
  if (!value.is_object()) return malformed("a file is no JSON object");
  const json::object& object = value.get_object();
  DriveResource resource;
  SourceEntry& entry = resource.entry;
  entry.file = parse_file(object);
  if (entry.file.id.value().empty()) return malformed("a file has no id");
  resource.trashed = entry.file.trashed;
  if (entry.file.mime_type == kFolderMime) {
    entry.kind = EntryKind::kFolder;
    entry.folder = {.id = entry.file.id,
                    .name = entry.file.name,
                    .resource_key = entry.file.resource_key,
                    .shared_drive = DriveId(std::string(text_in(object, "driveId")))};
  } else if (entry.file.mime_type == kShortcutMime) {
    parse_shortcut(object, entry);
  }
  return resource;
}

bool digits_at(std::string_view text, std::size_t at, std::size_t count) {
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at),
                     text.begin() + static_cast<std::ptrdiff_t>(at + count),
                     [](char c) { return c >= '0' && c <= '9'; });
}

int number_at(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  std::from_chars(text.data() + at, text.data() + at + count, value);
  return value;
}

}  // namespace

Result<DriveResource> parse_drive_resource(std::string_view text) {
  json::monotonic_resource memory;
  IMGIMPORT_ASSIGN_OR_RETURN(const json::value root, parse(text, &memory));
  return parse_resource(root);
}

Result<SourcePage> parse_drive_page(std::string_view text) {
  // A page of 1,000 files is some ten thousand small values; they go all at once.
  json::monotonic_resource memory(text.size());
  IMGIMPORT_ASSIGN_OR_RETURN(const json::value root, parse(text, &memory));
  const json::object& object = root.get_object();
  SourcePage page;
  if (const std::string_view token = text_in(object, "nextPageToken"); !token.empty()) page.next_page_token = token;
  page.incomplete = flag_in(object, "incompleteSearch", false);

  const json::value* const files = object.if_contains("files");
  if (files == nullptr || !files->is_array()) return malformed("a listing has no list of files");
  page.entries.reserve(files->get_array().size());
  for (const json::value& value : files->get_array()) {
    IMGIMPORT_ASSIGN_OR_RETURN(DriveResource resource, parse_resource(value));
    if (!resource.trashed) page.entries.push_back(std::move(resource.entry));
  }
  return page;
}

std::string exif_time_to_iso(std::string_view text) {
  constexpr std::string_view kShape = "0000:00:00 00:00:00";
  if (text.size() != kShape.size()) return {};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kShape[i] == '0' ? !digits_at(text, i, 1) : text[i] != kShape[i]) return {};
  }
  const std::chrono::year_month_day date{std::chrono::year(number_at(text, 0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number_at(text, 5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number_at(text, 8, 2)))};
  const bool real = date.ok() && number_at(text, 0, 4) > 0 && number_at(text, 11, 2) < 24 &&
                    number_at(text, 14, 2) < 60 && number_at(text, 17, 2) < 60;
  if (!real) return {};
  std::string iso(text);
  iso[4] = iso[7] = '-';
  iso[10] = 'T';
  return iso;
}

std::string camera_name(std::string_view make, std::string_view model) {
  make = trim(make);
  model = trim(model);
  if (make.empty() || model.empty()) return std::string(make.empty() ? model : make);
  // "NIKON CORPORATION" and "NIKON D90": one word in common is enough.
  const std::string_view first = model.substr(0, model.find_first_of(" -_"));
  for (std::string_view rest = make; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (equals_ignore_case(rest.substr(0, end), first)) return std::string(model);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::string(make) + " " + std::string(model);
}

}  // namespace imgimport
