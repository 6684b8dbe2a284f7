#include "imaging/raw_preview.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "fakes/memory_blob.hpp"
#include "imaging/decoder_process.hpp"
#include "support/pictures.hpp"

namespace imgimport {
namespace {

struct Entry {
  std::uint16_t tag;
  std::uint16_t type;  // 3 = SHORT, 4 = LONG, 7 = bytes
  std::uint32_t count;
  std::uint32_t value;
};

// Writes TIFF in either byte order.
class Tiff {
 public:
  explicit Tiff(bool big) : big_(big), bytes_(big ? std::string("MM\0*", 4) : std::string("II*\0", 4)) { number(0, 4); }

  std::uint32_t add(const std::string& blob) {
    const auto at = static_cast<std::uint32_t>(bytes_.size());
    bytes_ += blob;
    return at;
  }
  std::uint32_t add_directory(const std::vector<Entry>& entries, std::uint32_t next = 0) {
    const auto at = static_cast<std::uint32_t>(bytes_.size());
    number(entries.size(), 2);
    for (const Entry& entry : entries) {
      number(entry.tag, 2);
      number(entry.type, 2);
      number(entry.count, 4);
      if (entry.type == 3 && entry.count == 1) {
        number(entry.value, 2);
        number(0, 2);
      } else {
        number(entry.value, 4);
      }
    }
    number(next, 4);
    return at;
  }
  std::string first_at(std::uint32_t directory) const {
    Tiff head(big_);
    head.bytes_.resize(4);
    head.number(directory, 4);
    return head.bytes_ + bytes_.substr(8);
  }

 private:
  void number(std::size_t value, int width) {
    std::string text;
    for (int i = 0; i < width; ++i) text += static_cast<char>((value >> (8 * (big_ ? width - 1 - i : i))) & 0xff);
    bytes_ += text;
  }
  bool big_;
  std::string bytes_;
};

RawPreview preview_of(const std::string& file) {
  return find_raw_preview(std::as_bytes(std::span(file)));
}
std::string text_of(const RawPreview& preview) {
  return {reinterpret_cast<const char*>(preview.jpeg.data()), preview.jpeg.size()};
}

const std::string& small_jpeg() {
  static const std::string jpeg = encoded(flag(60, 40), "jpg[strip]");
  return jpeg;
}
const std::string& large_jpeg() {
  static const std::string jpeg = encoded(flag(600, 400), "jpg[strip]");
  return jpeg;
}
// As raw data is often packed.
std::string lossless_jpeg() {
  std::string jpeg = large_jpeg() + std::string(5000, 'x');
  jpeg.at(jpeg.find("\xff\xc0") + 1) = '\xc3';
  return jpeg;
}
std::uint32_t size_of(const std::string& text) {
  return static_cast<std::uint32_t>(text.size());
}

std::string raw_file(bool big) {
  Tiff tiff(big);
  const std::uint32_t lossless = tiff.add(lossless_jpeg());
  const std::uint32_t large = tiff.add(large_jpeg());
  const std::uint32_t small = tiff.add(small_jpeg());
  const std::uint32_t raw = tiff.add_directory({{0x111, 4, 1, lossless}, {0x117, 4, 1, size_of(lossless_jpeg())}});
  const std::uint32_t preview = tiff.add_directory({{0x201, 4, 1, large}, {0x202, 4, 1, size_of(large_jpeg())}});
  Tiff list(big);
  const std::uint32_t thumbnail = tiff.add_directory({{0x111, 4, 1, small}, {0x117, 4, 1, size_of(small_jpeg())}}, raw);
  return tiff.first_at(tiff.add_directory({{0x112, 3, 1, 6}, {0x14a, 4, 1, preview}}, thumbnail));
}

TEST_CASE("of a raw file the largest preview that can be shown is taken, and its orientation", "[imaging]") {
  for (const bool big : {false, true}) {
    const std::string file = raw_file(big);
    const RawPreview preview = preview_of(file);
    CHECK(text_of(preview) == large_jpeg());
    CHECK(preview.orientation == 6);
  }
}

TEST_CASE("a preview that has EXIF says itself which way is up", "[imaging]") {
  const std::string jpeg = with_orientation(large_jpeg(), 3);
  Tiff tiff(false);
  const std::uint32_t at = tiff.add(jpeg);
  const std::string file =
      tiff.first_at(tiff.add_directory({{0x112, 3, 1, 6}, {0x201, 4, 1, at}, {0x202, 4, 1, size_of(jpeg)}}));
  const RawPreview preview = preview_of(file);
  CHECK(text_of(preview) == jpeg);
  CHECK(preview.orientation == 1);
}

TEST_CASE("the previews of Panasonic and Fuji are found", "[imaging]") {
  Tiff tiff(false);
  const std::uint32_t at = tiff.add(large_jpeg());
  std::string panasonic = tiff.first_at(tiff.add_directory({{0x2e, 7, size_of(large_jpeg()), at}}));
  panasonic.at(2) = 'U';
  CHECK(text_of(preview_of(panasonic)) == large_jpeg());

  std::string fuji = "FUJIFILMCCD-RAW " + std::string(68, '\0') + std::string("\0\0\0\x5c", 4);
  const std::uint32_t size = size_of(large_jpeg());
  for (int shift = 24; shift >= 0; shift -= 8) fuji += static_cast<char>((size >> shift) & 0xff);
  fuji += large_jpeg();
  CHECK(text_of(preview_of(fuji)) == large_jpeg());
}

TEST_CASE("broken raw files have no preview, and loops end", "[imaging]") {
  const std::string file = raw_file(false);
  // Every prefix, and every byte turned: nothing is read beside the file (AddressSanitizer watches).
  const std::size_t directories = file.size() - 150;
  for (std::size_t length = directories; length < file.size(); ++length) (void)preview_of(file.substr(0, length));
  for (std::size_t at = directories; at < file.size(); ++at) {
    for (const char value : {'\0', '\xff', '\x80'}) {
      std::string broken = file;
      broken[at] = value;
      (void)preview_of(broken);
    }
  }
  Tiff loop(false);
  CHECK(preview_of(loop.first_at(loop.add_directory({{0x14a, 4, 1, 8}}, 8))).jpeg.empty());
  CHECK(preview_of("").jpeg.empty());
  CHECK(preview_of("II").jpeg.empty());
  CHECK(preview_of("II*").jpeg.empty());
  CHECK(preview_of("FUJIFILMCCD-RAW").jpeg.empty());
  CHECK(preview_of("hello").jpeg.empty());
}

TEST_CASE("a raw file becomes an upright thumbnail", "[imaging]") {
  // Held so that the camera's left is up: stored turned.
  const std::string jpeg = encoded(flag(600, 400), "jpg[strip]", {"rot IN OUT d270"});
  Tiff tiff(false);
  const std::uint32_t at = tiff.add(jpeg);
  const std::string file =
      tiff.first_at(tiff.add_directory({{0x112, 3, 1, 6}, {0x201, 4, 1, at}, {0x202, 4, 1, size_of(jpeg)}}));
  DecoderProcess decoder({});
  const MemoryBlob blob(file);
  const auto reader = blob.open({}).value();
  const auto picture = decoder.shrink({}, {.width = 160, .is_raw = true}, *reader, file.size());
  REQUIRE(picture.has_value());
  CHECK(picture->width == 160);
  const Raster seen = decoded(picture->bytes);
  CHECK(looks_like(seen.at(seen.width / 4, seen.height / 2), {200, 0, 0}));
  CHECK(looks_like(seen.at(seen.width / 2, 3), {0, 160, 0}));

  const std::string none = Tiff(false).first_at(8);
  const MemoryBlob empty(none);
  const auto nothing = decoder.shrink({}, {.width = 160, .is_raw = true}, *empty.open({}).value(), none.size());
  REQUIRE_FALSE(nothing.has_value());
  CHECK(nothing.error().reason() == "image_unsupported");
}

}  // namespace
}  // namespace imgimport
