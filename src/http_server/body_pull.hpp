// The pool's side of a streamed body: one read() at a time into one buffer, framed for the wire in place.
//
// Threading: the pool's while a read is under way, the connection's otherwise; whoever hands it over synchronises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "imgimport/blob.hpp"
#include "imgimport/call_context.hpp"

namespace imgimport {

class BodyPull {
 public:
  enum class Framing : std::uint8_t { kPlain = 1, kChunked };

  // With a length, the body ends after so many bytes, and one that ends before is kCorrupt.
  BodyPull(std::unique_ptr<ByteReader> reader, std::optional<std::uint64_t> length, Framing framing);

  struct Piece {
    std::string_view wire;  // as it goes out, chunk framing included; valid until the next read()
    bool last = false;      // the body ends with this piece, which may be empty
  };
  // Blocks as the reader does; turns its exceptions into kInternal. After the last piece or an error the reader is
  // gone.
  Result<Piece> read(const CallContext& context);

 private:
  Result<Piece> read_piece(const CallContext& context);
  std::string_view frame(std::size_t bytes, bool last);

  std::unique_ptr<ByteReader> reader_;
  std::optional<std::uint64_t> remaining_;
  Framing framing_;
  std::size_t capacity_ = 0;
  std::unique_ptr<char[]> buffer_;  // room for a chunk's head, the bytes, room for its tail
};

}  // namespace imgimport
