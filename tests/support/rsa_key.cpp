#include "support/rsa_key.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

namespace imgimport::test {
namespace {

std::string to_pem(EVP_PKEY* generated) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(generated, EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

const std::string& make_rsa_key_pem() {
  static const std::string pem = to_pem(EVP_RSA_gen(2048));
  return pem;
}

std::string make_ec_key_pem() {
  return to_pem(EVP_EC_gen("P-256"));
}

}  // namespace imgimport::test
