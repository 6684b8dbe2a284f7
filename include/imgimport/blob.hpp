// Bytes on the move: a reader that is used once, and a blob that can be opened again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "imgimport/call_context.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Lower-case hex, as Drive publishes them; empty = not known.
struct ContentHashes {
  std::string md5;
  std::string sha1;
  std::string sha256;
  friend bool operator==(const ContentHashes&, const ContentHashes&) = default;
};

// One pass over a stream of bytes. Used by one thread at a time.
class ByteReader {
 public:
  virtual ~ByteReader() = default;
  // Blocks until at least one byte is there, and returns how many were written to `out`; 0 = the end, reached only when
  // the stream is known to be whole (a body shorter than announced is kCorrupt, a broken connection kUnavailable).
  // REQUIRES: !out.empty()
  virtual Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) = 0;
};

// Content that can be read from its beginning as often as needed, so that a PUT can be tried again.
class Blob {
 public:
  virtual ~Blob() = default;
  // In bytes; nullopt when the source did not say.
  virtual std::optional<std::uint64_t> size() const = 0;
  // A fresh reader from byte 0. Blocks as the source does.
  virtual Result<std::unique_ptr<ByteReader>> open(const CallContext& context) const = 0;
  // The whole content where it lies in memory already (then no read is needed); nullopt otherwise.
  virtual std::optional<std::span<const std::byte>> in_memory() const { return std::nullopt; }
};

}  // namespace imgimport
