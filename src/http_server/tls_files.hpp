// A server's TLS settings, made of a certificate and a key. OpenSSL stays in the .cpp.
#pragma once

#include <memory>
#include <string>

#include "imgimport/result.hpp"

struct ssl_ctx_st;

namespace imgimport {

struct TlsContextDeleter {
  void operator()(ssl_ctx_st* context) const noexcept;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, TlsContextDeleter>;

struct TlsFiles {
  std::string certificate_chain;  // PEM: the server's certificate first
  std::string private_key;        // PEM, without a pass phrase
};

// TLS 1.2 and up, ALPN http/1.1. kMisconfigured, naming the file: unreadable ("tls_certificate", "tls_key"), or a key
// that does not belong to the certificate ("tls_mismatch").
Result<TlsContext> load_tls(const TlsFiles& files);

}  // namespace imgimport
