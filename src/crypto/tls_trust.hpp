// The certificate authorities that this process trusts, read once and shared by all its TLS connections. A connection
// that parses the usual bundle for itself spends 20 ms of CPU and keeps a megabyte for as long as it lives.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace imgimport {

struct TlsTrustOptions {
  std::string ca_file;       // PEM; empty = none
  std::string ca_directory;  // of certificates named by their hashes, looked up when needed; empty = none
};

// A function that makes an SSL_CTX, given as its address, trust those authorities, and read ahead: several records may
// wait in OpenSSL when the socket has nothing more to say. Each record taken from there is counted in `records_read`,
// which must outlive the SSL_CTX and its connections. For CurlHttpClientOptions::tls_setup. The file is read at
// the first call. false: neither place could be read, or held nothing; the next call tries again. Thread-safe, and so
// are its copies, which share what was read.
std::function<bool(void* ssl_context, std::uint64_t* records_read)> shared_tls_trust(TlsTrustOptions options);

}  // namespace imgimport
