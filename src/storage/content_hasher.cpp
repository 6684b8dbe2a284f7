#include "storage/content_hasher.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/text.hpp"

namespace imgimport {
namespace {

Result<void> compare(std::string_view name, const std::string& expected, const std::string& actual) {
  if (expected.empty() || actual.empty() || equals_ignore_case(expected, actual)) return {};
  return Error(ErrorCode::kCorrupt,
               fmt::format("the content has the {} {} where {} was promised", name, actual, expected))
      .with_reason("checksum_mismatch");
}

}  // namespace

ContentHasher::ContentHasher(std::span<const HashAlgorithm> algorithms) {
  hashers_.reserve(algorithms.size());
  for (const HashAlgorithm algorithm : algorithms) hashers_.emplace_back(algorithm, Hasher(algorithm));
}

void ContentHasher::update(std::span<const std::byte> bytes) {
  for (auto& [algorithm, hasher] : hashers_) hasher.update(bytes);
}

ContentHashes ContentHasher::finish() {
  ContentHashes hashes;
  for (auto& [algorithm, hasher] : hashers_) {
    switch (algorithm) {
      case HashAlgorithm::kMd5:
        hashes.md5 = hasher.finish();
        break;
      case HashAlgorithm::kSha1:
        hashes.sha1 = hasher.finish();
        break;
      case HashAlgorithm::kSha256:
        hashes.sha256 = hasher.finish();
        break;
    }
  }
  return hashes;
}

Result<void> check_hashes(const ContentHashes& expected, const ContentHashes& actual) {
  IMGIMPORT_RETURN_IF_ERROR(compare("SHA-256", expected.sha256, actual.sha256));
  IMGIMPORT_RETURN_IF_ERROR(compare("SHA-1", expected.sha1, actual.sha1));
  return compare("MD5", expected.md5, actual.md5);
}

Result<void> check_size(std::uint64_t promised, std::uint64_t actual) {
  if (actual == promised) return {};
  const bool is_short = actual < promised;
  return Error(ErrorCode::kCorrupt, fmt::format("the content has {} bytes than the {} that were promised",
                                                is_short ? "fewer" : "more", promised))
      .with_reason(is_short ? "too_short" : "too_long");
}

}  // namespace imgimport
