// A blob on its way into a bucket: looked at while it passes, and stopped before its end when it is not what was
// promised, so that a wrong or half body never becomes an object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "imgimport/blob.hpp"
#include "imgimport/result.hpp"
#include "storage/content_hasher.hpp"

namespace imgimport {

// What the bytes must come to, and what is wanted of them.
struct UploadPlan {
  std::uint64_t size_bytes = 0;         // > 0: of an empty body nobody would read, and nothing be seen
  ContentHashes expected;               // each that is computed is held against it
  std::vector<HashAlgorithm> computed;  // while streaming
};

// The blob that is handed to HttpClientRequest::upload in place of a stream. Its reader gives out the last piece only
// once the source has ended there and the hashes agree: kCorrupt (too_short, too_long, checksum_mismatch) otherwise,
// which breaks the request off. It may be opened again; the source is, too.
//
// Used by one thread. Keeps no bytes. REQUIRES: the content outlives it, and is not in memory.
class CheckedUpload final : public Blob {
 public:
  CheckedUpload(const Blob& content, UploadPlan plan) : content_(content), plan_(std::move(plan)) {}

  std::optional<std::uint64_t> size() const override { return plan_.size_bytes; }
  Result<std::unique_ptr<ByteReader>> open(const CallContext& context) const override;

  // Of the last pass, if all of it was handed out; nullopt otherwise: then an answer of success is not to be believed.
  const std::optional<ContentHashes>& hashes() const noexcept { return hashes_; }

 private:
  class Reader;
  const Blob& content_;
  const UploadPlan plan_;
  mutable std::optional<ContentHashes> hashes_;
};

}  // namespace imgimport
