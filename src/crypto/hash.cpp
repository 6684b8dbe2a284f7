#include "crypto/hash.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <new>
#include <stdexcept>

#include "base/text.hpp"

namespace imgimport {
namespace {

// EVP_MD_fetch walks the providers and takes locks; once per algorithm is enough. Never freed: a hasher may still be at
// work while static objects go.
const EVP_MD* digest_of(HashAlgorithm algorithm) {
  static const EVP_MD* const md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  switch (algorithm) {
    case HashAlgorithm::kMd5:
      return md5;
    case HashAlgorithm::kSha1:
      return sha1;
    case HashAlgorithm::kSha256:
      return sha256;
  }
  return nullptr;
}

void require(bool success, const char* what) {
  // Only an OpenSSL without this digest (a FIPS provider knows no MD5) or without memory gets here.
  if (!success) throw std::runtime_error(what);
}

}  // namespace

struct Hasher::Context {
  Context(EVP_MD_CTX* context, const EVP_MD* md) : evp(context), digest(md) {
    if (evp == nullptr) throw std::bad_alloc();
  }
  ~Context() { EVP_MD_CTX_free(evp); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* evp;
  const EVP_MD* digest;
};

Hasher::Hasher(HashAlgorithm algorithm) : context_(std::make_unique<Context>(EVP_MD_CTX_new(), digest_of(algorithm))) {
  require(context_->digest != nullptr, "this OpenSSL lacks a digest that imgimport needs");
  reset();
}

Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::reset() {
  require(EVP_DigestInit_ex2(context_->evp, context_->digest, nullptr) == 1, "a digest could not be started");
}

void Hasher::update(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1, "a digest could not be computed");
}

std::string Hasher::finish_raw() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int length = 0;
  require(EVP_DigestFinal_ex(context_->evp, digest.data(), &length) == 1, "a digest could not be finished");
  reset();
  return {reinterpret_cast<const char*>(digest.data()), length};
}

std::string Hasher::finish() {
  const std::string raw = finish_raw();
  return to_hex(std::as_bytes(std::span(raw)));
}

std::string hash_hex(HashAlgorithm algorithm, std::span<const std::byte> bytes) {
  Hasher hasher(algorithm);
  hasher.update(bytes);
  return hasher.finish();
}

std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> message) {
  std::array<std::byte, 32> digest;
  unsigned int length = 0;
  // A null key means "the key of the call before" to HMAC; an empty one is meant here.
  const void* const key_data = key.empty() ? static_cast<const void*>("") : key.data();
  require(HMAC(digest_of(HashAlgorithm::kSha256), key_data, static_cast<int>(key.size()),
               reinterpret_cast<const unsigned char*>(message.data()), message.size(),
               reinterpret_cast<unsigned char*>(digest.data()), &length) != nullptr,
          "a message could not be signed");
  return digest;
}

}  // namespace imgimport
