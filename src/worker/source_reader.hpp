// Readers between the source and the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "imgimport/blob.hpp"
#include "imgimport/source.hpp"

namespace imgimport {

// A download that goes on by itself at its offset when the connection breaks. It gives up when a connection brings no
// byte, or after kMaxResumes: then the item is put back, and no thread is held.
class ResumingReader : public ByteReader {
 public:
  static constexpr int kMaxResumes = 3;

  ResumingReader(Source& source, FileRef file, std::optional<std::uint64_t> size)
      : source_(source), file_(std::move(file)), size_(size) {}

  // Ends with kCorrupt (size_mismatch) when the source gave fewer or more bytes than the listing said.
  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override;

 private:
  Result<std::size_t> read_once(const CallContext& context, std::span<std::byte> out);
  Result<std::size_t> at_end() const;

  Source& source_;
  const FileRef file_;
  const std::optional<std::uint64_t> size_;
  std::unique_ptr<ByteReader> reader_;
  std::uint64_t offset_ = 0;
  std::uint64_t opened_at_ = 0;
  int resumes_ = 0;
};

// Bytes that were read ahead, then the rest of the reader they came from.
class PrefixedReader : public ByteReader {
 public:
  PrefixedReader(std::vector<std::byte> prefix, std::unique_ptr<ByteReader> rest)
      : prefix_(std::move(prefix)), rest_(std::move(rest)) {}
  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override;

 private:
  const std::vector<std::byte> prefix_;
  std::size_t used_ = 0;
  std::unique_ptr<ByteReader> rest_;
};

// Reads until `out` is full or the stream ends; returns how many bytes came.
Result<std::size_t> read_fully(const CallContext& context, ByteReader& reader, std::span<std::byte> out);

}  // namespace imgimport
