// Whether an image says by its own end that it is whole, for bytes whose published size or checksum cannot be trusted.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace imgimport {

// Hand ends_like_image this many bytes of the end, or the whole file where it is shorter.
inline constexpr std::size_t kEndBytes = 64;

// The bytes at both ends of a file.
struct FileEnds {
  std::span<const std::byte> first;  // kSniffBytes (image_type.hpp), or all
  std::span<const std::byte> last;   // kEndBytes, or all
  std::uint64_t size_bytes = 0;
};

// Whether the file ends where its format says that a file ends. Only formats that say so are ever proven: JPEG (its
// last marker, with a few NULs behind it as some cameras write them), PNG, GIF, WebP. `mime_type` is that of
// sniff_image.
bool ends_like_image(std::string_view mime_type, const FileEnds& ends) noexcept;

}  // namespace imgimport
