#include "base/image_end.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

namespace imgimport {
namespace {

using namespace std::string_literals;

bool ends_like(std::string_view mime_type, const std::string& file) {
  const auto bytes = std::as_bytes(std::span(file));
  return ends_like_image(mime_type, {bytes.first(std::min<std::size_t>(bytes.size(), 4096)),
                                     bytes.last(std::min(bytes.size(), kEndBytes)), bytes.size()});
}

const std::string kJpeg = "\xff\xd8\xff\xe0\0\x10JFIF"s + std::string(200, 'x') + "\xff\xd9"s;
const std::string kPng = "\x89PNG\r\n\x1a\n"s + std::string(200, 'x') + "\0\0\0\0IEND\xae\x42\x60\x82"s;
const std::string kGif = "GIF89a"s + std::string(200, 'x') + "\0;"s;
const std::string kWebp = "RIFF\xcc\0\0\0WEBP"s + std::string(200, 'x');

TEST_CASE("a whole image is told by its own end", "[image_type]") {
  CHECK(ends_like("image/jpeg", kJpeg));
  CHECK(ends_like("image/jpeg", kJpeg + "\0"s));
  CHECK(ends_like("image/jpeg", kJpeg + std::string(16, '\0')));
  CHECK(ends_like("image/png", kPng));
  CHECK(ends_like("image/gif", kGif));
  CHECK(ends_like("image/webp", kWebp));
  CHECK(ends_like("image/webp", "RIFF\x04\0\0\0WEBP"s));
}

TEST_CASE("an image that is cut off anywhere is none by its end", "[image_type]") {
  const auto [mime, whole] = GENERATE(table<std::string, std::string>(
      {{"image/jpeg", kJpeg}, {"image/png", kPng}, {"image/gif", kGif}, {"image/webp", kWebp}}));
  CAPTURE(mime);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(ends_like(mime, whole.substr(0, size)));
  }
}

TEST_CASE("what is no end of its format proves nothing", "[image_type]") {
  const auto [mime, file] = GENERATE(table<std::string, std::string>({
      {"image/jpeg", kJpeg + "\n"s},
      {"image/jpeg", kJpeg + std::string(17, '\0')},
      {"image/jpeg", kJpeg + std::string(500, '\0')},
      {"image/jpeg", std::string(100, '\0')},
      {"image/jpeg", "\xd9"s},
      {"image/jpeg", kPng},
      {"image/png", kPng + "\0"s},
      {"image/png", kJpeg},
      {"image/gif", "GIF89a"s + std::string(200, ';')},
      {"image/webp", kWebp + "\0"s},
      {"image/webp", "RIFF\xcc\0\0"s},
      {"image/webp", "RIFF\xf8\xff\xff\xff"s},
      {"image/tiff", "II*\0\x08\0\0\0\xff\xd9"s},
      {"image/heic", kJpeg},
      {"", kJpeg},
  }));
  CAPTURE(mime, file);
  CHECK_FALSE(ends_like(mime, file));
}

}  // namespace
}  // namespace imgimport
