// The arithmetic of HTTP ranges (RFC 9110 §14), shared by every store. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "imgimport/object_store.hpp"

namespace imgimport {

struct ByteSpan {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Which bytes of an object of `size` bytes are meant; nullopt = all. A range may end behind the end: it is cut.
// kInvalidArgument, reason range_not_satisfiable: it begins behind the end, is an empty suffix, or ends before it
// begins.
Result<ByteSpan> resolve_range(std::uint64_t size, const std::optional<ByteRange>& range);

}  // namespace imgimport
