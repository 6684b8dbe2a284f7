#include "imaging/decoder_process.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "fakes/memory_blob.hpp"
#include "support/pictures.hpp"

namespace imgimport {
namespace {

constexpr Pixel kRed{200, 0, 0};
constexpr Pixel kBlue{0, 0, 200};
constexpr Pixel kGreen{0, 160, 0};

Result<Picture> shrink(DecoderProcess& decoder, const std::string& image, const ShrinkOrder& order) {
  const MemoryBlob blob(image);
  const auto reader = blob.open({}).value();
  return decoder.shrink({}, order, *reader, image.size());
}

Result<Picture> shrink(const std::string& image, std::uint32_t width) {
  DecoderProcess decoder({});
  return shrink(decoder, image, {.width = width});
}

// Green at the top, red on the left, blue on the right.
void check_flag(const Raster& seen) {
  REQUIRE(seen.width > 0);
  CHECK(looks_like(seen.at(seen.width / 2, seen.height / 10), kGreen));
  CHECK(looks_like(seen.at(seen.width / 4, seen.height / 2), kRed));
  CHECK(looks_like(seen.at(seen.width * 3 / 4, seen.height / 2), kBlue));
}

TEST_CASE("a picture of every format becomes a small WebP in the right colours", "[imaging]") {
  struct Row {
    std::string what;
    std::string image;
  };
  const Raster source = flag(600, 400);
  const Row rows[] = {
      {"JPEG", encoded(source, "jpg[Q=90]")},
      {"progressive JPEG", encoded(source, "jpg[Q=90,interlace]")},
      {"PNG with a profile", encoded(source, "png", {"icc_transform IN OUT p3 --input-profile srgb"})},
      {"PNG", encoded(source, "png")},
      {"interlaced PNG", encoded(source, "png[interlace]")},
      {"PNG with 16 bits", encoded(source, "png", {"colourspace IN OUT rgb16"})},
      {"PNG with a palette", encoded(source, "png[palette]")},
      {"WebP", encoded(source, "webp")},
      {"TIFF", encoded(source, "tif[compression=lzw]")},
      {"TIFF in tiles", encoded(source, "tif[compression=jpeg,tile]")},
      {"TIFF with 16 bits", encoded(source, "tif[compression=deflate]", {"colourspace IN OUT rgb16"})},
      {"GIF", encoded(source, "gif")},
      {"HEIC", encoded(source, "heic[Q=80,speed=8]")},
      {"AVIF", encoded(source, "avif[Q=80,speed=8]")},
  };
  DecoderProcess decoder({});
  for (const Row& row : rows) {
    INFO(row.what);
    const auto picture = shrink(decoder, row.image, {.width = 160});
    INFO((picture.has_value() ? std::string() : picture.error().message()));
    REQUIRE(picture.has_value());
    CHECK(picture->bytes.starts_with("RIFF"));
    CHECK(picture->bytes.substr(8, 4) == "WEBP");
    CHECK(picture->width == 160);
    CHECK(picture->height == 107);
    CHECK(picture->bytes.size() < 8'000);
    check_flag(decoded(picture->bytes));
  }
}

TEST_CASE("a picture in inks becomes one in light", "[imaging]") {
  for (const char* ending : {"jpg[Q=95]", "tif"}) {
    INFO(ending);
    const auto picture =
        shrink(encoded(flag(600, 400), ending, {"icc_transform IN OUT cmyk --input-profile srgb"}), 160);
    REQUIRE(picture.has_value());
    const Raster seen = decoded(picture->bytes);
    const Pixel left = seen.at(40, 60);
    const Pixel right = seen.at(120, 60);
    // Inks cannot be as bright.
    CHECK(left.red > left.blue + 80);
    CHECK(right.blue > right.red + 50);
  }
}

TEST_CASE("a grey picture stays grey", "[imaging]") {
  const std::string image = encoded(flag(600, 400), "jpg", {"colourspace IN OUT b-w"});
  const auto picture = shrink(image, 160);
  REQUIRE(picture.has_value());
  const Pixel seen = decoded(picture->bytes).at(40, 60);
  CHECK(looks_like(seen, {seen.red, seen.red, seen.red}));
}

TEST_CASE("a photograph is upright, whatever its EXIF orientation", "[imaging]") {
  // How a camera stores the flag when it is held so: the inverse of what the orientation asks for.
  const std::pair<int, std::string_view> rows[] = {
      {1, "copy IN OUT"},          {2, "flip IN OUT horizontal"}, {3, "rot IN OUT d180"},
      {4, "flip IN OUT vertical"}, {6, "rot IN OUT d270"},        {8, "rot IN OUT d90"},
  };
  DecoderProcess decoder({});
  for (const auto& [orientation, step] : rows) {
    INFO(orientation);
    const std::string image = with_orientation(encoded(flag(600, 400), "jpg[Q=90]", {step}), orientation);
    const auto picture = shrink(decoder, image, {.width = 160});
    REQUIRE(picture.has_value());
    CHECK(picture->width == 160);
    CHECK(picture->height == 107);
    check_flag(decoded(picture->bytes));
  }
}

TEST_CASE("no metadata is left: neither EXIF nor a profile", "[imaging]") {
  const auto picture = shrink(with_orientation(encoded(flag(600, 400), "jpg"), 1), 160);
  REQUIRE(picture.has_value());
  for (const char* chunk : {"EXIF", "ICCP", "XMP "}) {
    INFO(chunk);
    CHECK(picture->bytes.find(chunk) == std::string::npos);
  }
}

TEST_CASE("a picture is never made larger, and a tall one is bounded by its height", "[imaging]") {
  const auto small = shrink(encoded(flag(100, 60), "png"), 320);
  REQUIRE(small.has_value());
  CHECK(small->width == 100);
  CHECK(small->height == 60);
  const auto tall = shrink(encoded(flag(200, 2000), "png"), 160);
  REQUIRE(tall.has_value());
  CHECK(tall->width == 32);
  CHECK(tall->height == 320);
}

TEST_CASE("transparency is kept", "[imaging]") {
  const std::string image = encoded(flag(600, 400), "png", {"bandjoin_const IN OUT 128"});
  const auto picture = shrink(image, 160);
  REQUIRE(picture.has_value());
  CHECK(has_alpha(picture->bytes));
  CHECK_FALSE(has_alpha(shrink(encoded(flag(600, 400), "png"), 160).value().bytes));
}

TEST_CASE("of an animation the first frame is shown", "[imaging]") {
  Raster second = flag(200, 120);
  second.rgb.assign(second.rgb.size(), '\xff');
  for (const char* ending : {"gif", "webp"}) {
    INFO(ending);
    const auto picture = shrink(animation(flag(200, 120), second, ending), 160);
    REQUIRE(picture.has_value());
    CHECK(picture->height == 96);
    check_flag(decoded(picture->bytes));
  }
}

TEST_CASE("formats whose decoders are not trusted are refused, and the child goes on", "[imaging]") {
  DecoderProcess decoder({});
  const std::string svg =
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="9" height="9"/></svg>)";
  const std::string pdf = "%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";
  const std::string ppm = "P6\n1 1\n255\nabc";
  const std::string matrix = "1 1\n7\n";
  REQUIRE(shrink(decoder, encoded(flag(60, 40), "png"), {.width = 160}).has_value());
  const pid_t child = decoder.child();
  for (const std::string& image :
       {svg, pdf, ppm, matrix, std::string("hello"), std::string(), std::string(5000, '\0')}) {
    INFO(image.substr(0, 10));
    const auto picture = shrink(decoder, image, {.width = 160});
    REQUIRE_FALSE(picture.has_value());
    CHECK(picture.error().reason() == "image_unsupported");
    CHECK(blames_the_image(picture.error()));
  }
  CHECK(shrink(decoder, encoded(flag(60, 40), "png"), {.width = 160}).has_value());
  CHECK(decoder.child() == child);
}

}  // namespace
}  // namespace imgimport
