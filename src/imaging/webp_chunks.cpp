#include "imaging/webp_chunks.hpp"

#include <cstddef>
#include <cstdint>

namespace imgimport {
namespace {

constexpr std::size_t kHeadBytes = 12;  // RIFF, size, WEBP
constexpr std::size_t kChunkHeadBytes = 8;
constexpr unsigned char kAlphaFlag = 0x10;

std::uint32_t number_at(std::string_view text, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(text[at + i]);
  return value;
}

std::string number(std::size_t value) {
  std::string text;
  for (int i = 0; i < 4; ++i, value >>= 8) text += static_cast<char>(value & 0xff);
  return text;
}

}  // namespace

std::string webp_without_metadata(std::string_view webp) {
  if (webp.size() < kHeadBytes || !webp.starts_with("RIFF") || webp.substr(8, 4) != "WEBP") return std::string(webp);
  std::string extended;  // the chunk that says what others there are
  std::string picture;
  bool has_alpha = false;
  for (std::size_t at = kHeadBytes; at + kChunkHeadBytes <= webp.size();) {
    const std::string_view name = webp.substr(at, 4);
    const std::size_t size = number_at(webp, at + 4);
    const std::size_t padded = kChunkHeadBytes + size + size % 2;
    if (size > webp.size() || padded > webp.size() - at) return std::string(webp);
    const std::string_view chunk = webp.substr(at, padded);
    if (name == "VP8X") extended = chunk;
    if (name == "ALPH") has_alpha = true;
    if (name == "ALPH" || name == "VP8 " || name == "VP8L") picture += chunk;
    at += padded;
  }
  if (has_alpha && extended.size() > kChunkHeadBytes) {
    extended[kChunkHeadBytes] = static_cast<char>(kAlphaFlag);
    picture.insert(0, extended);
  }
  return "RIFF" + number(4 + picture.size()) + "WEBP" + picture;
}

}  // namespace imgimport
