// What is an image: by the listing (is_candidate), and by the first bytes (sniff_image). Pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace imgimport {

struct ImageType {
  std::string_view mime_type;  // of static storage
  friend bool operator==(const ImageType&, const ImageType&) = default;
};

// Hand sniff_image this many bytes, or the whole file where it is shorter. Most formats need 16; SVG may have a prolog,
// and the tags that tell a raw photo from an ordinary TIFF lie in the first few hundred bytes.
inline constexpr std::size_t kSniffBytes = 4096;

// The type by its first bytes; nullopt: not an image that we know. The declared type and the name only choose among
// types of equal bytes: raw formats that are TIFF inside, and SVG, which is taken for one only if declared so.
std::optional<ImageType> sniff_image(std::span<const std::byte> first_bytes, std::string_view declared_mime,
                                     std::string_view name = {});

// Whether a page or an error message came in place of the file: HTML, a JSON object, an XML error. Ask it only of bytes
// that sniff_image does not take for an image.
bool looks_like_error_document(std::span<const std::byte> first_bytes);

// Whether a listed file is worth a download: image/*, or bytes of no declared type with an image's extension.
bool is_candidate(std::string_view mime_type, std::string_view name);

// Why a file that is no candidate is left alone: google_document, video, not_an_image.
std::string ignored_reason(std::string_view mime_type, std::string_view name);

}  // namespace imgimport
