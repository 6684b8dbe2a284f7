// Holds the bytes of one put against what was promised: their size, and the strongest hash known.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "imgimport/blob.hpp"
#include "imgimport/result.hpp"
#include "storage/content_hasher.hpp"

namespace imgimport {

// Used by one thread. SHA-256 is always computed, for the record; MD5 only where it is all that can be checked.
class ContentCheck {
 public:
  ContentCheck(const ContentHashes& expected, std::optional<std::uint64_t> size);

  // kCorrupt (too_long): more bytes than promised.
  Result<void> update(std::span<const std::byte> bytes);

  struct Content {
    std::uint64_t size_bytes = 0;
    ContentHashes hashes;
  };
  // kCorrupt: too_short, or checksum_mismatch. Call once, after the last byte.
  Result<Content> finish();

 private:
  ContentHashes expected_;
  std::optional<std::uint64_t> expected_size_;
  ContentHasher hasher_;
  std::uint64_t size_ = 0;
};

}  // namespace imgimport
