// Reading a stream once before it is sent: for clouds that must know the size, or the hash, in advance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/span_blob.hpp"
#include "crypto/hash.hpp"
#include "imgimport/blob.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Content in memory that it owns.
class BytesBlob final : public Blob {
 public:
  explicit BytesBlob(std::string bytes) : bytes_(std::move(bytes)) {}
  std::optional<std::uint64_t> size() const override { return bytes_.size(); }
  Result<std::unique_ptr<ByteReader>> open(const CallContext& context) const override {
    return SpanBlob(std::as_bytes(std::span(bytes_))).open(context);
  }
  std::optional<std::span<const std::byte>> in_memory() const override { return std::as_bytes(std::span(bytes_)); }

 private:
  const std::string bytes_;
};

struct FirstPassOptions {
  std::size_t keep_bytes = 256 << 10;    // content of up to so much is kept
  std::uint64_t max_bytes = UINT64_MAX;  // beyond it: kTooLarge
  ContentHashes expected;                // each that is computed is held against it
  std::vector<HashAlgorithm> computed;   // always all of these
};

struct FirstPass {
  std::uint64_t size_bytes = 0;
  ContentHashes hashes;
  std::optional<std::string> content;  // where it was short enough; else the blob must be opened a second time
};

// Reads all of the blob. Errors of its reader are passed on; kCorrupt: too_short and too_long against blob.size(),
// checksum_mismatch.
Result<FirstPass> read_through(const CallContext& context, const Blob& blob, const FirstPassOptions& options);

}  // namespace imgimport
