#include "base/random.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>

#include "base/text.hpp"

namespace imgimport {
namespace {

void fill_random(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::abort();  // a kernel without getrandom: nothing here may go on with predictable secrets
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace

std::string random_uuid() {
  std::array<std::byte, 16> bytes;
  fill_random(bytes);
  // RFC 9562, section 5.4: version 4, variant 10.
  bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  std::string text = to_hex(bytes);
  for (const std::size_t position : {20U, 16U, 12U, 8U}) text.insert(position, 1, '-');
  return text;
}

std::string random_token(std::size_t bytes) {
  std::string raw(bytes, '\0');
  fill_random(std::as_writable_bytes(std::span(raw)));
  return to_hex(std::as_bytes(std::span(raw)));
}

std::uint64_t random_below(std::uint64_t bound) {
  // splitmix64, seeded once per thread: jitter needs no more.
  thread_local std::uint64_t state = [] {
    std::uint64_t seed = 0;
    fill_random(std::as_writable_bytes(std::span(&seed, 1)));
    return seed;
  }();
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return (z ^ (z >> 31)) % bound;
}

}  // namespace imgimport
