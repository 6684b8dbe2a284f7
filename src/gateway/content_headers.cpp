#include "gateway/content_headers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::array<std::string_view, 15> kShownInline = {
    "image/jpeg",   "image/png",  "image/gif", "image/webp",          "image/avif",
    "image/heic",   "image/heif", "image/bmp", "image/x-ms-bmp",      "image/tiff",
    "image/x-icon", "image/jxl",  "image/jp2", "image/heic-sequence", "image/vnd.microsoft.icon"};
// Names are cut to what every file system takes.
constexpr std::size_t kMaxNameBytes = 240;
constexpr std::size_t kMaxExtensionBytes = 16;
// An image's content changes only when Drive's does and somebody imports it again; the tag makes asking again cheap.
constexpr std::string_view kCacheControl = "private, max-age=3600";
constexpr std::string_view kCacheForGood = "private, max-age=31536000, immutable";
// Goes up when thumbnails are made in another way.
constexpr std::string_view kThumbnailMaking = "t1";
constexpr std::size_t kLeastVersion = 8;

std::size_t at_character_start(std::string_view text, std::size_t position) {
  while (position > 0 && (static_cast<unsigned char>(text[position]) & 0xC0) == 0x80) --position;
  return position;
}

// Valid UTF-8 without what a file name cannot hold; a long one loses its middle and keeps its extension.
std::string file_name(std::string_view name) {
  std::string safe = to_valid_utf8(name);
  for (char& c : safe) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '/' || c == '\\') c = '_';
  }
  if (safe.size() <= kMaxNameBytes) return safe;
  const std::size_t dot = safe.rfind('.');
  const bool has_extension = dot != std::string::npos && safe.size() - dot <= kMaxExtensionBytes;
  const std::string extension = has_extension ? safe.substr(dot) : std::string();
  return safe.substr(0, at_character_start(safe, kMaxNameBytes - extension.size())) + extension;
}

// For clients that do not know filename*: each foreign character is one "_".
std::string ascii_name(std::string_view name) {
  std::string ascii;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;
    ascii += byte >= 0x80 || c == '"' || c == '%' ? '_' : c;
  }
  return ascii;
}

std::optional<std::uint64_t> position(std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  // Beyond any size there is: the same as the greatest number.
  return error == std::errc{} ? value : std::numeric_limits<std::uint64_t>::max();
}

// "first-last", "first-" or "-suffix"; nullopt = malformed.
std::optional<ByteRange> parse_range(std::string_view spec) {
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view before = trim(spec.substr(0, dash));
  const std::string_view after = trim(spec.substr(dash + 1));
  ByteRange range;
  if (before.empty()) {
    range.suffix = position(after);
    if (!range.suffix) return std::nullopt;
    return range;
  }
  const auto first = position(before);
  if (!first) return std::nullopt;
  range.first = *first;
  if (after.empty()) return range;
  range.last = position(after);
  if (!range.last || *range.last < range.first) return std::nullopt;
  return range;
}

// If-Range compares strongly; a date never matches, since no Last-Modified is given out.
bool is_void_by_if_range(const HttpRequest& request, std::string_view tag) {
  const auto condition = request.headers.find("If-Range");
  return condition && (tag.empty() || trim(*condition) != tag);
}

}  // namespace

const std::string& content_version(const Image& image) {
  return !image.hashes.sha256.empty() ? image.hashes.sha256 : !image.etag.empty() ? image.etag : image.hashes.md5;
}

std::string entity_tag(const Image& image) {
  const std::string& value = content_version(image);
  const bool quotable =
      std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '"'; });
  return value.empty() || !quotable ? std::string() : "\"" + value + "\"";
}

bool matches_if_none_match(const HttpRequest& request, std::string_view tag) {
  const auto header = request.headers.find("If-None-Match");
  if (!header || tag.empty()) return false;
  std::string_view rest = *header;
  // No tag of ours holds a comma, so that splitting at commas finds it.
  while (!rest.empty()) {
    const std::size_t end = rest.find(',');
    std::string_view candidate = trim(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (candidate == "*") return true;
    if (candidate.starts_with("W/")) candidate.remove_prefix(2);
    if (candidate == tag) return true;
  }
  return false;
}

RangeRequest requested_range(const HttpRequest& request, std::uint64_t size, std::string_view tag) {
  const auto header = request.headers.find("Range");
  if (!header || is_void_by_if_range(request, tag)) return {};
  constexpr std::string_view kUnit = "bytes=";
  const std::string_view text = trim(*header);
  if (text.size() <= kUnit.size() || !equals_ignore_case(text.substr(0, kUnit.size()), kUnit)) return {};
  if (text.find(',') != std::string_view::npos) return {};
  const auto range = parse_range(text.substr(kUnit.size()));
  if (!range) return {};
  const bool satisfiable = range->suffix ? *range->suffix > 0 && size > 0 : range->first < size;
  return {.range = range, .satisfiable = satisfiable};
}

bool is_shown_inline(const Image& image) {
  return std::find(kShownInline.begin(), kShownInline.end(), image.mime_type) != kShownInline.end();
}

std::string content_disposition(const Image& image) {
  const std::string name = file_name(image.name);
  std::string value(is_shown_inline(image) ? "inline" : "attachment");
  value.append("; filename=\"").append(ascii_name(name)).append("\"");
  value.append("; filename*=UTF-8''").append(percent_encode(name));
  return value;
}

void set_content_headers(HttpHeaders& headers, const Image& image, std::string_view tag) {
  headers.set("Accept-Ranges", "bytes");
  headers.set("Cache-Control", std::string(kCacheControl));
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("Content-Security-Policy", "sandbox; default-src 'none'");
  headers.set("Content-Disposition", content_disposition(image));
  if (!tag.empty()) headers.set("ETag", std::string(tag));
}

std::string thumbnail_tag(const Image& image, std::uint32_t width) {
  std::string tag = entity_tag(image);
  if (tag.empty()) return tag;
  tag.pop_back();
  tag.append("-").append(kThumbnailMaking).append("-w").append(std::to_string(width)).append("\"");
  return tag;
}

bool names_version(const HttpRequest& request, const Image& image) {
  const auto named = request.query_value("v");
  return named && named->size() >= kLeastVersion && content_version(image).starts_with(*named);
}

void set_thumbnail_headers(HttpHeaders& headers, std::string_view tag, bool is_pinned) {
  headers.set("Cache-Control", std::string(is_pinned ? kCacheForGood : kCacheControl));
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("Content-Security-Policy", "sandbox; default-src 'none'");
  if (!tag.empty()) headers.set("ETag", std::string(tag));
}

}  // namespace imgimport
