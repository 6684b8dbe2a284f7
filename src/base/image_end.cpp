#include "base/image_end.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace imgimport {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMostPadding = 16;

// Within the picture's data FF is always followed by 00 or another marker (ITU-T T.81, B.1.1.5).
bool ends_like_jpeg(std::string_view last) noexcept {
  const std::size_t end = last.find_last_not_of('\0');
  if (end == std::string_view::npos || last.size() - (end + 1) > kMostPadding) return false;
  return last.substr(0, end + 1).ends_with("\xff\xd9"sv);
}

// "RIFF", the number of bytes that follow, little-endian; chunks are padded to an even length.
bool ends_like_webp(std::string_view first, std::uint64_t size_bytes) noexcept {
  constexpr std::size_t kHeader = 8;
  if (first.size() < kHeader) return false;
  std::uint64_t promised = 0;
  for (std::size_t at = kHeader; at-- > 4;) promised = promised << 8 | static_cast<unsigned char>(first[at]);
  return promised + kHeader == size_bytes;
}

}  // namespace

bool ends_like_image(std::string_view mime_type, const FileEnds& ends) noexcept {
  const std::string_view last = as_text(ends.last.last(std::min(ends.last.size(), kEndBytes)));
  if (mime_type == "image/jpeg") return ends_like_jpeg(last);
  if (mime_type == "image/png") return last.ends_with("\0\0\0\0IEND\xae\x42\x60\x82"sv);
  // The trailer, behind the empty block that ends the data before it: 3B alone is as likely as any other byte.
  if (mime_type == "image/gif") return last.ends_with("\0;"sv);
  if (mime_type == "image/webp") return ends_like_webp(as_text(ends.first), ends.size_bytes);
  return false;
}

}  // namespace imgimport
