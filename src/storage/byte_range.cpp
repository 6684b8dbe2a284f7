#include "storage/byte_range.hpp"

#include <algorithm>
#include <string>

namespace imgimport {

Result<ByteSpan> resolve_range(std::uint64_t size, const std::optional<ByteRange>& range) {
  if (!range) return ByteSpan{0, size};
  const auto unsatisfiable = [&] {
    return Error(ErrorCode::kInvalidArgument, "the range lies outside the object's " + std::to_string(size) + " bytes")
        .with_reason("range_not_satisfiable");
  };
  if (range->suffix) {
    const std::uint64_t length = std::min(*range->suffix, size);
    if (length == 0) return unsatisfiable();
    return ByteSpan{size - length, length};
  }
  if (range->first >= size || (range->last && *range->last < range->first)) return unsatisfiable();
  const std::uint64_t last = std::min(range->last.value_or(size - 1), size - 1);
  return ByteSpan{range->first, last - range->first + 1};
}

}  // namespace imgimport
