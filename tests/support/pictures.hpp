// Pictures for tests, made by the command `vips`, and thumbnails looked into.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace imgimport {

struct Pixel {
  int red = 0;
  int green = 0;
  int blue = 0;
};

// A picture in memory, eight bits a channel.
struct Raster {
  int width = 0;
  int height = 0;
  std::string rgb;
  Pixel at(int x, int y) const;
};

// Left half red, right half blue, and a green bar along the top: so that a turned one is known.
Raster flag(int width, int height);
// With so much detail that it does not compress well.
Raster noise(int width, int height);

// The bytes of a file of the type that the ending says: "jpg[Q=90]", "heic", "tif[compression=lzw]". `steps` are
// commands of vips in between, each of which gets the picture so far as IN and leaves OUT: "colourspace IN OUT cmyk".
std::string encoded(const Raster& picture, std::string_view ending, std::initializer_list<std::string_view> steps = {});
// An animation of the two, one shown after the other.
std::string animation(const Raster& first, const Raster& second, std::string_view ending);

// The JPEG with an EXIF segment that says so.
std::string with_orientation(std::string jpeg, int orientation);

// What is in a picture of any format; width 0: it is none.
Raster decoded(const std::string& bytes);
bool has_alpha(const std::string& bytes);

// Close enough for what a lossy format makes of it.
bool looks_like(const Pixel& seen, const Pixel& meant);

}  // namespace imgimport
