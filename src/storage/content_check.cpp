#include "storage/content_check.hpp"

#include <array>

namespace imgimport {
namespace {

constexpr std::array kAlgorithms = {HashAlgorithm::kSha256, HashAlgorithm::kMd5};

// Without MD5 where a SHA-256 is known: it would only cost time.
std::span<const HashAlgorithm> algorithms_for(const ContentHashes& expected) {
  const bool wants_md5 = expected.sha256.empty() && !expected.md5.empty();
  return std::span(kAlgorithms).first(wants_md5 ? 2 : 1);
}

}  // namespace

ContentCheck::ContentCheck(const ContentHashes& expected, std::optional<std::uint64_t> size)
    : expected_(expected), expected_size_(size), hasher_(algorithms_for(expected)) {}

Result<void> ContentCheck::update(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  if (expected_size_ && size_ > *expected_size_) return check_size(*expected_size_, size_);
  hasher_.update(bytes);
  return {};
}

Result<ContentCheck::Content> ContentCheck::finish() {
  IMGIMPORT_RETURN_IF_ERROR(check_size(expected_size_.value_or(size_), size_));
  Content content{.size_bytes = size_, .hashes = hasher_.finish()};
  IMGIMPORT_RETURN_IF_ERROR(check_hashes(expected_, content.hashes));
  return content;
}

}  // namespace imgimport
