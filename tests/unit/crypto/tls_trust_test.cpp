#include "crypto/tls_trust.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "support/rsa_key.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {
namespace {

struct Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<EVP_PKEY> make_key() {
  const std::string pem = test::make_ec_key_pem();
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Owned<EVP_PKEY>(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

Owned<X509> self_signed(EVP_PKEY* key) {
  Owned<X509> certificate(X509_new());
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

// Whether a client set up by `trust` accepts the certificate, over a pipe in memory.
bool handshake(const std::function<bool(void*)>& trust, X509* certificate, EVP_PKEY* key) {
  const Owned<SSL_CTX> server_context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate(server_context.get(), certificate);
  SSL_CTX_use_PrivateKey(server_context.get(), key);
  const Owned<SSL_CTX> client_context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(client_context.get(), SSL_VERIFY_PEER, nullptr);
  if (!trust(client_context.get())) return false;

  const Owned<SSL> server(SSL_new(server_context.get()));
  const Owned<SSL> client(SSL_new(client_context.get()));
  BIO* server_end = nullptr;
  BIO* client_end = nullptr;
  BIO_new_bio_pair(&server_end, 0, &client_end, 0);
  SSL_set_bio(server.get(), server_end, server_end);
  SSL_set_bio(client.get(), client_end, client_end);
  SSL_set_accept_state(server.get());
  SSL_set_connect_state(client.get());
  for (int round = 0; round < 10; ++round) {
    const int client_result = SSL_do_handshake(client.get());
    if (client_result != 1 && SSL_get_error(client.get(), client_result) == SSL_ERROR_SSL) return false;
    SSL_do_handshake(server.get());
  }
  return SSL_is_init_finished(client.get()) == 1;
}

TEST_CASE("connections set up by one shared trust accept what its file holds, and nothing else", "[crypto]") {
  const auto key = make_key();
  const auto trusted = self_signed(key.get());
  const auto other_key = make_key();
  const auto stranger = self_signed(other_key.get());
  const TempDir folder;
  const std::string path = (folder.path() / "ca.pem").string();

  const auto trust = shared_tls_trust({.ca_file = path});
  const auto copy = trust;
  CHECK_FALSE(handshake(trust, trusted.get(), key.get()));  // the file is not there yet
  {
    const Owned<std::FILE> file(std::fopen(path.c_str(), "w"));
    REQUIRE(PEM_write_X509(file.get(), trusted.get()) == 1);
  }
  CHECK(handshake(trust, trusted.get(), key.get()));
  CHECK_FALSE(handshake(trust, stranger.get(), other_key.get()));
  std::filesystem::remove_all(folder.path());
  CHECK(handshake(copy, trusted.get(), key.get()));  // read once, shared
  CHECK_FALSE(handshake(shared_tls_trust({}), trusted.get(), key.get()));
}

}  // namespace
}  // namespace imgimport
