#include "storage/checked_upload.hpp"

#include <algorithm>
#include <array>

namespace imgimport {

class CheckedUpload::Reader final : public ByteReader {
 public:
  Reader(const CheckedUpload& owner, std::unique_ptr<ByteReader> source)
      : owner_(owner), source_(std::move(source)), hasher_(owner.plan_.computed), left_(owner.plan_.size_bytes) {}

  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
    if (left_ == 0) return std::size_t{0};
    const auto wanted = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left_)));
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, source_->read(context, wanted));
    if (count == 0) IMGIMPORT_RETURN_IF_ERROR(check_size(owner_.plan_.size_bytes, owner_.plan_.size_bytes - left_));
    hasher_.update(wanted.first(count));
    left_ -= count;
    if (left_ == 0) IMGIMPORT_RETURN_IF_ERROR(finish(context));
    return count;
  }

 private:
  Result<void> finish(const CallContext& context) {
    std::array<std::byte, 1> one;
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t beyond, source_->read(context, one));
    IMGIMPORT_RETURN_IF_ERROR(check_size(owner_.plan_.size_bytes, owner_.plan_.size_bytes + beyond));
    ContentHashes hashes = hasher_.finish();
    IMGIMPORT_RETURN_IF_ERROR(check_hashes(owner_.plan_.expected, hashes));
    owner_.hashes_ = std::move(hashes);
    return {};
  }

  const CheckedUpload& owner_;
  const std::unique_ptr<ByteReader> source_;
  ContentHasher hasher_;
  std::uint64_t left_;
};

Result<std::unique_ptr<ByteReader>> CheckedUpload::open(const CallContext& context) const {
  hashes_.reset();
  IMGIMPORT_ASSIGN_OR_RETURN(auto source, content_.open(context));
  return std::unique_ptr<ByteReader>(std::make_unique<Reader>(*this, std::move(source)));
}

}  // namespace imgimport
