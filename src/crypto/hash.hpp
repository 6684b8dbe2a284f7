// Digests of bytes, all at once or piece by piece, on OpenSSL.
//
// Threading: the functions from any thread; one Hasher by one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace imgimport {

enum class HashAlgorithm : std::uint8_t { kMd5 = 1, kSha1, kSha256 };

// The digest of a stream. After finish() it is empty again and takes the next message: reuse one rather than building
// another, which costs two allocations.
class Hasher {
 public:
  explicit Hasher(HashAlgorithm algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text))); }
  // Lower-case hex of all that was added since the construction or the last finish().
  std::string finish();
  // The same, raw.
  std::string finish_raw();
  // Forgets what was added.
  void reset();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Lower-case hex of one message.
std::string hash_hex(HashAlgorithm algorithm, std::span<const std::byte> bytes);
inline std::string sha256_hex(std::span<const std::byte> bytes) {
  return hash_hex(HashAlgorithm::kSha256, bytes);
}
inline std::string sha256_hex(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text)));
}
inline std::string md5_hex(std::span<const std::byte> bytes) {
  return hash_hex(HashAlgorithm::kMd5, bytes);
}
inline std::string md5_hex(std::string_view text) {
  return md5_hex(std::as_bytes(std::span(text)));
}
inline std::string sha1_hex(std::span<const std::byte> bytes) {
  return hash_hex(HashAlgorithm::kSha1, bytes);
}
inline std::string sha1_hex(std::string_view text) {
  return sha1_hex(std::as_bytes(std::span(text)));
}

// HMAC-SHA256 (RFC 2104), raw bytes: a signing chain feeds one result in as the next key.
std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> message);
inline std::array<std::byte, 32> hmac_sha256(std::string_view key, std::string_view message) {
  return hmac_sha256(std::as_bytes(std::span(key)), std::as_bytes(std::span(message)));
}

}  // namespace imgimport
