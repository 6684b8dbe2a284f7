// Randomness from the operating system. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace imgimport {

// A version 4 UUID, lower case.
std::string random_uuid();
// `bytes` random bytes as lower-case hex: fit for a secret.
std::string random_token(std::size_t bytes);
// Uniform in [0, bound); for jitter, not for secrets. REQUIRES: bound > 0
std::uint64_t random_below(std::uint64_t bound);

}  // namespace imgimport
