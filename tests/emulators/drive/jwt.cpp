#include "emulators/drive/jwt.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdint>
#include <memory>

namespace imgimport::emulator {
namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Memory = std::unique_ptr<BIO, FreeBio>;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(length)};
}

Key read_public_key(const std::string& pem) {
  const Memory bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
}

std::optional<std::string> decode_base64url(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (const char c : text) {
    int value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = c - 'A';
    } else if (c >= 'a' && c <= 'z') {
      value = c - 'a' + 26;
    } else if (c >= '0' && c <= '9') {
      value = c - '0' + 52;
    } else if (c == '-') {
      value = 62;
    } else if (c == '_') {
      value = 63;
    } else {
      return std::nullopt;
    }
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    if (++count % 4 != 1) bytes += static_cast<char>(bits >> (count % 4 == 2 ? 4 : count % 4 == 3 ? 2 : 0));
  }
  return bytes;
}

}  // namespace

const KeyPair& process_key_pair() {
  static const KeyPair pair = [] {
    const Key key(EVP_RSA_gen(2048));
    const Memory secret(BIO_new(BIO_s_mem()));
    const Memory open(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    PEM_write_bio_PUBKEY(open.get(), key.get());
    return KeyPair{.private_key_pem = text_of(secret.get()), .public_key_pem = text_of(open.get())};
  }();
  return pair;
}

bool is_public_key(const std::string& pem) {
  return read_public_key(pem) != nullptr;
}

std::optional<Jwt> split_jwt(std::string_view text) {
  const std::size_t first = text.find('.');
  const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto header = decode_base64url(text.substr(0, first));
  auto payload = decode_base64url(text.substr(first + 1, second - first - 1));
  auto signature = decode_base64url(text.substr(second + 1));
  if (!header || !payload || !signature) return std::nullopt;
  return Jwt{.header = *std::move(header),
             .payload = *std::move(payload),
             .signed_part = std::string(text.substr(0, second)),
             .signature = *std::move(signature)};
}

bool has_valid_rs256_signature(const Jwt& jwt, const std::string& public_key_pem) {
  const Key key = read_public_key(public_key_pem);
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
  if (!key || EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1) return false;
  return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(jwt.signature.data()),
                          jwt.signature.size(), reinterpret_cast<const unsigned char*>(jwt.signed_part.data()),
                          jwt.signed_part.size()) == 1;
}

}  // namespace imgimport::emulator
