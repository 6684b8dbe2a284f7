#include "imaging/webp_chunks.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace imgimport {
namespace {

std::string number(std::size_t value) {
  std::string text;
  for (int i = 0; i < 4; ++i, value >>= 8) text += static_cast<char>(value & 0xff);
  return text;
}

std::string chunk(const std::string& name, const std::string& body) {
  return name + number(body.size()) + body + std::string(body.size() % 2, '\0');
}

std::string webp(const std::vector<std::string>& chunks) {
  std::string body = "WEBP";
  for (const std::string& one : chunks) body += one;
  return "RIFF" + number(body.size()) + body;
}

const std::string kExtended("\x3c\0\0\0\x09\0\0\x07\0\0", 10);  // profile, alpha, EXIF, XMP

TEST_CASE("of an opaque WebP the picture alone is left", "[imaging]") {
  const std::string picture = chunk("VP8 ", "odd");
  const std::string full = webp({chunk("VP8X", kExtended), chunk("ICCP", "profile"), picture, chunk("EXIF", "exif!"),
                                 chunk("XMP ", "xmp"), chunk("????", "?")});
  CHECK(webp_without_metadata(full) == webp({picture}));
  CHECK(webp_without_metadata(webp({picture})) == webp({picture}));
}

TEST_CASE("transparency of a WebP stays, and is all that its head still announces", "[imaging]") {
  const std::string alpha = chunk("ALPH", "aaaa");
  const std::string picture = chunk("VP8 ", "pppp");
  std::string announced = kExtended;
  announced[0] = '\x10';
  CHECK(webp_without_metadata(webp({chunk("VP8X", kExtended), alpha, picture, chunk("EXIF", "exif")})) ==
        webp({chunk("VP8X", announced), alpha, picture}));
}

TEST_CASE("what is no whole WebP stays as it is", "[imaging]") {
  const std::string whole = webp({chunk("VP8 ", "picture")});
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string part = whole.substr(0, length);
    INFO(length);
    // A chunk's head may be cut as well; then there is no picture in it.
    CHECK(webp_without_metadata(part).size() <= std::max<std::size_t>(part.size(), 12));
  }
  CHECK(webp_without_metadata("hello") == "hello");
  std::string lying = whole;
  lying.replace(16, 4, "\xff\xff\xff\xff");
  CHECK(webp_without_metadata(lying) == lying);
}

}  // namespace
}  // namespace imgimport
