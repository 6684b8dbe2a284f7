// TLS as a client over a socket of the caller's own.
#pragma once

#include <cstdint>
#include <functional>

#include "base/socket_stream.hpp"

namespace imgimport {

// Streams that check the peer's certificate against the authorities which `trust` (shared_tls_trust) installs, and
// against the host's name or address; TLS 1.2 or newer. kMisconfigured: the certificate is not to be trusted, or the
// authorities could not be read. Thread-safe; each stream is used by one thread at a time.
MakeSocketStream tls_streams(std::function<bool(void* ssl_context, std::uint64_t* records_read)> trust);

}  // namespace imgimport
