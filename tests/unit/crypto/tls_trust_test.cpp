#include "crypto/tls_trust.hpp"

#include <openssl/ssl.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "support/temp_dir.hpp"
#include "support/tls_identity.hpp"

namespace imgimport {
namespace {

using test::Owned;

// Whether a client set up by `trust` accepts the certificate, over a pipe in memory.
bool handshake(const std::function<bool(void*, std::uint64_t*)>& trust, const test::TlsIdentity& identity) {
  const Owned<SSL_CTX> server_context = identity.server_context();
  const Owned<SSL_CTX> client_context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(client_context.get(), SSL_VERIFY_PEER, nullptr);
  std::uint64_t records = 0;
  if (!trust(client_context.get(), &records)) return false;

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
  return SSL_is_init_finished(client.get()) == 1 && records > 0;
}

TEST_CASE("connections set up by one shared trust accept what its file holds, and nothing else", "[crypto]") {
  const auto trusted = test::make_tls_identity("test");
  const auto stranger = test::make_tls_identity("test");
  const TempDir folder;
  const std::string path = (folder.path() / "ca.pem").string();

  const auto trust = shared_tls_trust({.ca_file = path});
  const auto copy = trust;
  CHECK_FALSE(handshake(trust, trusted));  // the file is not there yet
  trusted.write_certificate(path);
  CHECK(handshake(trust, trusted));
  CHECK_FALSE(handshake(trust, stranger));
  std::filesystem::remove_all(folder.path());
  CHECK(handshake(copy, trusted));  // read once, shared
  CHECK_FALSE(handshake(shared_tls_trust({}), trusted));
}

}  // namespace
}  // namespace imgimport
