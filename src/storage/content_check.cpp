#include "storage/content_check.hpp"

#include <string>

#include "base/text.hpp"

namespace imgimport {
namespace {

Error wrong_size(std::uint64_t got, std::uint64_t promised, const char* reason) {
  return Error(ErrorCode::kCorrupt,
               "the content has " + std::to_string(got) + " bytes where " + std::to_string(promised) + " were promised")
      .with_reason(reason);
}

Result<void> compare(const char* name, const std::string& expected, const std::string& actual) {
  if (expected.empty() || equals_ignore_case(expected, actual)) return {};
  return Error(ErrorCode::kCorrupt,
               std::string("the content has the ") + name + " " + actual + " where " + expected + " was promised")
      .with_reason("checksum_mismatch");
}

}  // namespace

ContentCheck::ContentCheck(const ContentHashes& expected, std::optional<std::uint64_t> size)
    : expected_(expected), expected_size_(size), sha256_(HashAlgorithm::kSha256) {
  if (expected_.sha256.empty() && !expected_.md5.empty()) md5_.emplace(HashAlgorithm::kMd5);
}

Result<void> ContentCheck::update(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  if (expected_size_ && size_ > *expected_size_) return wrong_size(size_, *expected_size_, "too_long");
  sha256_.update(bytes);
  if (md5_) md5_->update(bytes);
  return {};
}

Result<ContentCheck::Content> ContentCheck::finish() {
  if (expected_size_ && size_ < *expected_size_) return wrong_size(size_, *expected_size_, "too_short");
  Content content;
  content.size_bytes = size_;
  content.hashes.sha256 = sha256_.finish();
  IMGIMPORT_RETURN_IF_ERROR(compare("SHA-256", expected_.sha256, content.hashes.sha256));
  if (md5_) {
    content.hashes.md5 = md5_->finish();
    IMGIMPORT_RETURN_IF_ERROR(compare("MD5", expected_.md5, content.hashes.md5));
  }
  return content;
}

}  // namespace imgimport
