// Hashes of content on its way, and what it means when they are not the promised ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "crypto/hash.hpp"
#include "imgimport/blob.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Several hashes of one stream.
class ContentHasher {
 public:
  explicit ContentHasher(std::span<const HashAlgorithm> algorithms);
  void update(std::span<const std::byte> bytes);
  // Those asked for; the others are empty. Call once.
  ContentHashes finish();

 private:
  std::vector<std::pair<HashAlgorithm, Hasher>> hashers_;
};

// kCorrupt, reason checksum_mismatch: a hash that both know differs. Case does not matter.
Result<void> check_hashes(const ContentHashes& expected, const ContentHashes& actual);

// kCorrupt, reason too_short or too_long; nothing where `actual` is what was promised.
Result<void> check_size(std::uint64_t promised, std::uint64_t actual);

}  // namespace imgimport
