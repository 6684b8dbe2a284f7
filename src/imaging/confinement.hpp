// What a process that decodes a stranger's bytes is not allowed to do.
//
// Threading: one thread, before any other is made.
#pragma once

#include <chrono>
#include <cstdint>

#include "imgimport/result.hpp"

namespace imgimport {

// AddressSanitizer and ThreadSanitizer reserve terabytes of addresses, and read /proc when they report.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kUnderSanitizer = true;
#else
inline constexpr bool kUnderSanitizer = false;
#endif

// First of all: ends with the parent, gains no rights, dumps no core, writes no file, is the first that a machine
// without memory kills, leaves the processor to others, and has at most `address_space_bytes` (0 = no limit).
Result<void> limit_process(std::uint64_t address_space_bytes);

// Once everything is loaded: no file can be opened or changed, no socket made, no program run, no other process
// touched (seccomp). kUnsupported: the kernel has none.
Result<void> close_the_doors();

// The process dies once it has used that much processor time from now on.
void limit_cpu_time(std::chrono::seconds limit);

}  // namespace imgimport
