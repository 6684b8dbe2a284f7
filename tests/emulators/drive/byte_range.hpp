// The header Range, for one range of bytes (RFC 9110, section 14). Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace imgimport::emulator {

struct ByteRange {
  enum class Kind : std::uint8_t { kWhole = 1, kPart, kUnsatisfiable };
  Kind kind = Kind::kWhole;  // kWhole: a header that is none, or asks for several ranges, is ignored
  std::uint64_t from = 0;
  std::uint64_t to = 0;  // one past the last byte
};

ByteRange parse_byte_range(std::string_view header, std::uint64_t size);

}  // namespace imgimport::emulator
