// A key and its self-signed certificate, made for one test: what a TLS server shows, and what a client may trust.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace imgimport::test {

struct OpenSslFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
template <class T>
using Owned = std::unique_ptr<T, OpenSslFree>;

struct TlsIdentity {
  Owned<EVP_PKEY> key;
  Owned<X509> certificate;

  // As PEM, for a client to trust.
  void write_certificate(const std::filesystem::path& path) const;
  // As PEM, for a server of another program.
  void write_key(const std::filesystem::path& path) const;
  Owned<SSL_CTX> server_context() const;
};

// Valid for an hour from now, for the host (a name, or an address as text).
TlsIdentity make_tls_identity(const std::string& host);

}  // namespace imgimport::test
