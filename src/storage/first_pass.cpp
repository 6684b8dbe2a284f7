#include "storage/first_pass.hpp"

#include <fmt/format.h>

#include <memory>

#include "storage/content_hasher.hpp"

namespace imgimport {
Result<FirstPass> read_through(const CallContext& context, const Blob& blob, const FirstPassOptions& options) {
  constexpr std::size_t kPieceBytes = 64 << 10;
  IMGIMPORT_ASSIGN_OR_RETURN(const auto reader, blob.open(context));
  FirstPass pass;
  pass.content.emplace();
  ContentHasher hasher(options.computed);
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kPieceBytes);
  for (;;) {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader->read(context, {buffer.get(), kPieceBytes}));
    if (count == 0) break;
    pass.size_bytes += count;
    if (pass.size_bytes > options.max_bytes) {
      return Error(ErrorCode::kTooLarge,
                   fmt::format("the content has more than the {} bytes that one upload may have", options.max_bytes));
    }
    if (blob.size() && pass.size_bytes > *blob.size()) break;
    const std::span<const std::byte> bytes(buffer.get(), count);
    hasher.update(bytes);
    if (pass.size_bytes > options.keep_bytes) pass.content.reset();
    if (pass.content) pass.content->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  if (blob.size()) IMGIMPORT_RETURN_IF_ERROR(check_size(*blob.size(), pass.size_bytes));
  pass.hashes = hasher.finish();
  IMGIMPORT_RETURN_IF_ERROR(check_hashes(options.expected, pass.hashes));
  return pass;
}

}  // namespace imgimport
