#include "worker/source_reader.hpp"

#include <algorithm>
#include <string>

namespace imgimport {

Result<std::size_t> ResumingReader::read(const CallContext& context, std::span<std::byte> out) {
  for (;;) {
    auto got = read_once(context, out);
    if (got.has_value()) return got;
    Error error = std::move(got).error();
    const bool moved = offset_ > opened_at_;
    if (error.code() != ErrorCode::kUnavailable || !moved || resumes_ == kMaxResumes) return error;
    ++resumes_;
    reader_.reset();
  }
}

Result<std::size_t> ResumingReader::read_once(const CallContext& context, std::span<std::byte> out) {
  // Nothing is left to ask for, and a Range behind the end would be refused.
  if (reader_ == nullptr && offset_ > 0 && size_ == offset_) return std::size_t{0};
  if (reader_ == nullptr) {
    IMGIMPORT_ASSIGN_OR_RETURN(reader_, source_.open(context, file_, offset_));
    opened_at_ = offset_;
  }
  IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader_->read(context, out));
  if (count == 0) return at_end();
  offset_ += count;
  if (size_ && offset_ > *size_) {
    return Error(ErrorCode::kCorrupt, "the download is longer than the " + std::to_string(*size_) + " bytes listed")
        .with_reason("size_mismatch");
  }
  return count;
}

Result<std::size_t> ResumingReader::at_end() const {
  if (size_ && offset_ < *size_) {
    return Error(ErrorCode::kCorrupt,
                 "the download ended after " + std::to_string(offset_) + " of " + std::to_string(*size_) + " bytes")
        .with_reason("size_mismatch");
  }
  return std::size_t{0};
}

Result<std::size_t> PrefixedReader::read(const CallContext& context, std::span<std::byte> out) {
  if (used_ == prefix_.size()) return rest_->read(context, out);
  const std::size_t count = std::min(out.size(), prefix_.size() - used_);
  std::copy_n(prefix_.begin() + static_cast<std::ptrdiff_t>(used_), count, out.begin());
  used_ += count;
  return count;
}

Result<std::size_t> read_fully(const CallContext& context, ByteReader& reader, std::span<std::byte> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader.read(context, out.subspan(filled)));
    if (count == 0) break;
    filled += count;
  }
  return filled;
}

}  // namespace imgimport
