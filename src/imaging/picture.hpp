// A small picture, and what one is made of.
#pragma once

#include <cstdint>
#include <string>

namespace imgimport {

struct Picture {
  std::string bytes;  // a WebP in sRGB without metadata
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

struct ShrinkOrder {
  std::uint32_t width = 0;  // at most as wide, and twice as high; never larger than the image is
  // A camera's raw file: the preview that the camera put into it is taken.
  bool is_raw = false;
};

// Given to the child when it is started.
struct DecoderLimits {
  std::uint64_t input_bytes = 128u << 20;
  std::uint64_t pixels = 256'000'000;
  // Of the whole process, its libraries included; 0 = none (sanitizers reserve terabytes).
  std::uint64_t address_space_bytes = 1u << 30;
  std::uint32_t cpu_seconds = 20;  // per image
};

}  // namespace imgimport
