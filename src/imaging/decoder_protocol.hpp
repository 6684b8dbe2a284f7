// What goes over the socket between a decoder process and its owner: fixed structures, then bytes. Both ends are the
// same program on the same machine.
#pragma once

#include <cstdint>

namespace imgimport::decoder_protocol {

inline constexpr std::uint32_t kMagic = 0x494d4731;
inline constexpr std::uint64_t kMaxAnswerBytes = 16u << 20;

struct Order {  // followed by `size` bytes: the image
  std::uint32_t magic = kMagic;
  std::uint32_t width = 0;
  std::uint32_t is_raw = 0;
  std::uint32_t reserved = 0;
  std::uint64_t size = 0;
};

enum class Outcome : std::uint32_t { kDone = 1, kDamaged, kUnsupported, kTooLarge, kNoLibrary };

struct Answer {  // followed by `size` bytes: the picture, or why there is none
  std::uint32_t magic = kMagic;
  Outcome outcome = Outcome::kDamaged;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint64_t size = 0;
};

}  // namespace imgimport::decoder_protocol
