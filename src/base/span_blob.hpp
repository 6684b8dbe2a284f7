// Content that lies in memory already, as a blob and as a reader.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "imgimport/blob.hpp"

namespace imgimport {

// REQUIRES: the bytes outlive it.
class SpanReader final : public ByteReader {
 public:
  explicit SpanReader(std::span<const std::byte> left) : left_(left) {}
  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    const std::size_t count = std::min(out.size(), left_.size());
    std::copy_n(left_.begin(), count, out.begin());
    left_ = left_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> left_;
};

// REQUIRES: the bytes outlive it; its readers need only the bytes.
class SpanBlob : public Blob {
 public:
  explicit SpanBlob(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::optional<std::uint64_t> size() const override { return bytes_.size(); }
  std::optional<std::span<const std::byte>> in_memory() const override { return bytes_; }
  Result<std::unique_ptr<ByteReader>> open(const CallContext&) const override {
    return std::unique_ptr<ByteReader>(std::make_unique<SpanReader>(bytes_));
  }

 private:
  const std::span<const std::byte> bytes_;
};

}  // namespace imgimport
