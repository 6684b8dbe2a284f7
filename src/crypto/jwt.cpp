#include "crypto/jwt.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "crypto/base64.hpp"

namespace imgimport {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// Without a callback OpenSSL would ask for an encrypted key's passphrase on the terminal.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

Error key_error(std::string message) {
  ERR_clear_error();
  return Error(ErrorCode::kMisconfigured, std::move(message))
      .with_reason("unreadable_private_key")
      .with_remedy(
          "Use the JSON file exactly as Google issued it: its private_key starts with -----BEGIN PRIVATE KEY----- and "
          "holds line breaks written as \\n. Make a new key in the Google Cloud console if it is damaged.");
}

Result<Owned<EVP_PKEY>> read_rsa_key(std::string_view pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return Error(ErrorCode::kInternal, "no memory for reading a private key");
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return key_error("the private key is not readable PEM, or it is encrypted");
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return key_error("the private key is not an RSA key");
  return key;
}

}  // namespace

Result<std::string> sign_jwt_rs256(const JwtParts& parts, std::string_view private_key_pem) {
  IMGIMPORT_ASSIGN_OR_RETURN(const Owned<EVP_PKEY> key, read_rsa_key(private_key_pem));
  std::string token = base64url_encode(parts.header);
  token += '.';
  token += base64url_encode(parts.claims);

  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const auto* input = reinterpret_cast<const unsigned char*>(token.data());
  std::size_t length = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &length, input, token.size()) != 1) {
    return key_error("the private key cannot sign");
  }
  std::string signature(length, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, input, token.size()) !=
      1) {
    return key_error("the private key cannot sign");
  }
  signature.resize(length);
  token += '.';
  token += base64url_encode(signature);
  return token;
}

}  // namespace imgimport
