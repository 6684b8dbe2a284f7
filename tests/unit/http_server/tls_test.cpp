// HTTPS, with a certificate made here.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "support/temp_dir.hpp"
#include "unit/http_server/http_server_fixture.hpp"

namespace imgimport::testing {
namespace {

class TlsFolder {
 public:
  // A fresh key and a certificate signed by it.
  TlsFiles make(const std::string& name) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const std::string host = "localhost";
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(host.data()),
                               static_cast<int>(host.size()), -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
    TlsFiles files{path(name + ".crt"), path(name + ".key")};
    write(files.certificate_chain, [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
    write(files.private_key, [&](std::FILE* file) {
      return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return files;
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

 private:
  template <class Write>
  static void write(const std::string& path, Write write_to) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    REQUIRE(file != nullptr);
    CHECK(write_to(file) == 1);
    std::fclose(file);
  }
  TempDir folder_;
};

ServerSetup secured(const TlsFiles& files) {
  ServerSetup setup;
  setup.routes = [](Router& router) {
    add_hello(router);
    router.handle(HttpMethod::kPost, "/echo",
                  [](const CallContext&, const HttpRequest& request) { return text_response(request.body); });
    router.handle(HttpMethod::kGet, "/big",
                  [](const CallContext&, const HttpRequest&) { return text_response(std::string(2 << 20, 'b')); });
  };
  setup.tls = files;
  return setup;
}

TEST_CASE("requests and answers go through TLS, kept alive, pipelined and large") {
  TlsFolder folder;
  TestServer server(secured(folder.make("a")));
  RawClient client(server.port, {.tls = true});
  CHECK(client.exchange(raw_get("/hello")).body == "hello");
  const std::string body(500'000, 'e');
  client.send(raw_post("/echo", body) + raw_get("/hello"));
  CHECK(client.receive().body == body);
  CHECK(client.receive().body == "hello");
  CHECK(client.exchange(raw_get("/big")).body == std::string(2 << 20, 'b'));
  CHECK(client.exchange(raw_get("/hello", "Connection: close\r\n")).body == "hello");
  CHECK(client.wait_for_end() == RawEnd::kClosed);
}

TEST_CASE("a body beyond the limit gets a readable 413 through TLS, too") {
  TlsFolder folder;
  TestServer server(secured(folder.make("a")));
  RawClient client(server.port, {.tls = true});
  CHECK(client.send(raw_post("/echo", std::string(3 << 20, 'x'))));
  CHECK(client.receive().status == 413);
}

TEST_CASE("plain HTTP on a TLS port does no harm") {
  TlsFolder folder;
  TestServer server(secured(folder.make("a")));
  RawClient plain(server.port);
  plain.send(raw_get("/hello"));
  CHECK(plain.receive().status == 0);
  RawClient client(server.port, {.tls = true});
  CHECK(client.exchange(raw_get("/hello")).body == "hello");
}

TEST_CASE("certificate files that cannot be used are named") {
  TlsFolder folder;
  const TlsFiles good = folder.make("a");
  const TlsFiles other = folder.make("b");
  std::ofstream(folder.path("text")) << "not a certificate";
  ThreadPool pool("test-requests", 1);
  HttpServer server({}, pool);
  const Router router;
  const auto error_of = [&](const TlsFiles& files) {
    const auto port = server.listen({.name = "gateway", .router = &router, .tls = files});
    REQUIRE_FALSE(port.has_value());
    CHECK(port.error().code() == ErrorCode::kMisconfigured);
    return port.error();
  };
  const Error missing = error_of({folder.path("none"), good.private_key});
  CHECK(missing.reason() == "tls_certificate");
  CHECK(missing.message().find(folder.path("none")) != std::string::npos);
  CHECK(missing.message().find("No such file") != std::string::npos);
  const Error text = error_of({folder.path("text"), good.private_key});
  CHECK(text.reason() == "tls_certificate");
  CHECK(text.message().find("PEM") != std::string::npos);
  CHECK(error_of({good.certificate_chain, folder.path("none")}).reason() == "tls_key");
  CHECK(error_of({good.certificate_chain, folder.path("text")}).reason() == "tls_key");
  const Error mismatch = error_of({good.certificate_chain, other.private_key});
  CHECK(mismatch.reason() == "tls_mismatch");
  CHECK(mismatch.message().find(good.certificate_chain) != std::string::npos);
  CHECK(mismatch.remedy().find("made for") != std::string::npos);
}

}  // namespace
}  // namespace imgimport::testing
