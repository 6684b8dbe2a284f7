#include "support/pictures.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "support/temp_dir.hpp"

namespace imgimport {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool vips(const std::string& arguments) {
  return std::system(("vips " + arguments + " >/dev/null 2>&1").c_str()) == 0;
}

void must_vips(const std::string& arguments) {
  if (!vips(arguments)) throw std::runtime_error("vips " + arguments + " failed; is libvips-tools installed?");
}

std::string in_quotes(const std::string& text) {
  return "'" + text + "'";
}

std::string ppm(const Raster& picture) {
  return "P6\n" + std::to_string(picture.width) + " " + std::to_string(picture.height) + "\n255\n" + picture.rgb;
}

std::string file_of(const TempDir& dir, std::string_view ending) {
  return (dir.path() / "out.").string() + std::string(ending);
}

std::string without_options(const std::string& name) {
  return name.substr(0, name.find('['));
}

void replace(std::string& text, std::string_view what, const std::string& by) {
  if (const std::size_t at = text.find(what); at != std::string::npos) text.replace(at, what.size(), by);
}

Raster painted(int width, int height, const std::function<Pixel(int, int)>& pixel) {
  Raster picture{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Pixel one = pixel(x, y);
      for (const int channel : {one.red, one.green, one.blue}) picture.rgb += static_cast<char>(channel);
    }
  }
  return picture;
}

}  // namespace

Pixel Raster::at(int x, int y) const {
  const std::size_t place =
      (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) * 3;
  const auto channel = [&](std::size_t index) {
    return static_cast<int>(static_cast<unsigned char>(rgb.at(place + index)));
  };
  return {channel(0), channel(1), channel(2)};
}

Raster flag(int width, int height) {
  return painted(width, height, [&](int x, int y) {
    if (y < height / 4) return Pixel{0, 160, 0};
    return x < width / 2 ? Pixel{200, 0, 0} : Pixel{0, 0, 200};
  });
}

Raster noise(int width, int height) {
  std::uint32_t state = 1;
  return painted(width, height, [&](int, int) {
    state = state * 1664525 + 1013904223;
    return Pixel{static_cast<int>(state >> 24), static_cast<int>((state >> 16) & 0xff),
                 static_cast<int>((state >> 8) & 0xff)};
  });
}

std::string encoded(const Raster& picture, std::string_view ending, std::initializer_list<std::string_view> steps) {
  const TempDir dir;
  std::string present = (dir.path() / "in.ppm").string();
  write_file(present, ppm(picture));
  int number = 0;
  for (const std::string_view step : steps) {
    const std::string next = (dir.path() / ("step" + std::to_string(number++) + ".v")).string();
    std::string command(step);
    replace(command, "IN", in_quotes(present));
    replace(command, "OUT", in_quotes(next));
    must_vips(command);
    present = next;
  }
  const std::string out = file_of(dir, ending);
  must_vips("copy " + in_quotes(present) + " " + in_quotes(out));
  return read_file(without_options(out));
}

std::string animation(const Raster& first, const Raster& second, std::string_view ending) {
  const TempDir dir;
  const std::string a = (dir.path() / "a.ppm").string();
  const std::string b = (dir.path() / "b.ppm").string();
  const std::string joined = (dir.path() / "joined.v").string();
  write_file(a, ppm(first));
  write_file(b, ppm(second));
  must_vips("arrayjoin '" + a + " " + b + "' " + in_quotes(joined) + " --across 1");
  const std::string out = file_of(dir, ending) + "[page_height=" + std::to_string(first.height) + "]";
  must_vips("copy " + in_quotes(joined) + " " + in_quotes(out));
  return read_file(without_options(out));
}

std::string with_orientation(std::string jpeg, int orientation) {
  std::string segment(
      "\xff\xe1\0\x22"
      "Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\0\0\0\0\0\0\0\0",
      36);
  segment.at(28) = static_cast<char>(orientation);
  return jpeg.insert(2, segment);
}

Raster decoded(const std::string& bytes) {
  const TempDir dir;
  const std::string in = (dir.path() / "in").string();
  const std::string out = (dir.path() / "out.ppm").string();
  write_file(in, bytes);
  Raster picture;
  const std::string command = has_alpha(bytes) ? "flatten " : "copy ";
  if (!vips(command + in_quotes(in) + " " + in_quotes(out))) return picture;
  std::istringstream text(read_file(out));
  std::string magic;
  int most = 0;
  text >> magic;
  // libvips writes a comment into the head.
  for (int* number : {&picture.width, &picture.height, &most}) {
    text >> std::ws;
    while (text.peek() == '#') {
      std::string comment;
      std::getline(text, comment);
    }
    text >> *number;
  }
  text.get();
  picture.rgb.assign(std::istreambuf_iterator<char>(text), {});
  return picture;
}

bool has_alpha(const std::string& bytes) {
  const TempDir dir;
  const std::string in = (dir.path() / "in").string();
  write_file(in, bytes);
  const std::string said = (dir.path() / "bands").string();
  if (std::system(("vipsheader -f bands " + in_quotes(in) + " >" + in_quotes(said) + " 2>/dev/null").c_str()) != 0)
    return false;
  return read_file(said) == "4\n";
}

bool looks_like(const Pixel& seen, const Pixel& meant) {
  constexpr int kNear = 40;
  return std::abs(seen.red - meant.red) <= kNear && std::abs(seen.green - meant.green) <= kNear &&
         std::abs(seen.blue - meant.blue) <= kNear;
}

}  // namespace imgimport
