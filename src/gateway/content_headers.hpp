// The HTTP rules of serving an image's bytes: ranges and conditions (RFC 9110, chapters 13 and 14), the name under
// which a browser saves them (RFC 6266), and what a browser may do with bytes that a stranger chose. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "imgimport/http.hpp"
#include "imgimport/image.hpp"
#include "imgimport/object_store.hpp"

namespace imgimport {

// Which bytes the record means: their hash, else the store's tag; empty when neither is known.
const std::string& content_version(const Image& image);

// A strong tag with its quotes: the content's hash, else the store's tag; empty when neither is known.
std::string entity_tag(const Image& image);

// Whether If-None-Match holds the tag (weak comparison) or "*": the answer is 304.
bool matches_if_none_match(const HttpRequest& request, std::string_view tag);

struct RangeRequest {
  std::optional<ByteRange> range;  // nullopt: the whole content
  bool satisfiable = true;         // false: 416
};
// The Range header against content of `size` bytes. A header that is malformed, in another unit, of several ranges, or
// void by If-Range asks for the whole content, as the RFC allows.
RangeRequest requested_range(const HttpRequest& request, std::uint64_t size, std::string_view tag);

// Raster formats are shown; SVG, which may carry scripts, and whatever is unknown are saved.
bool is_shown_inline(const Image& image);
// The name is given in ASCII and in UTF-8, without slashes and control characters.
std::string content_disposition(const Image& image);

// Headers of every answer with or about the bytes, also of 304 and 416.
void set_content_headers(HttpHeaders& headers, const Image& image, std::string_view tag);

// The tag of a thumbnail; empty when the image's version is not known.
std::string thumbnail_tag(const Image& image, std::uint32_t width);
// Whether the query's v is the beginning of the image's version.
bool names_version(const HttpRequest& request, const Image& image);
// Headers of every answer with or about a thumbnail. `is_pinned`: the URL names the version, so that it may be kept for
// good.
void set_thumbnail_headers(HttpHeaders& headers, std::string_view tag, bool is_pinned);

}  // namespace imgimport
