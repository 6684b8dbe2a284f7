// Bytes over a connected socket that never blocks, in the clear or under TLS: so that a protocol's client need not know
// which it is. crypto makes those under TLS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "imgimport/result.hpp"

namespace imgimport {

// Used by one thread at a time. Errors are kUnavailable for a connection that broke, kMisconfigured for a peer that
// must not be trusted; the stream is of no use afterwards.
class SocketStream {
 public:
  enum class State : std::uint8_t {
    kDone = 1,   // `bytes` were moved, at least one; a handshake is complete
    kWantsRead,  // nothing happens before the socket has something to read
    kWantsWrite,
    kEnded,  // the peer has closed
  };
  struct Step {
    State state = State::kDone;
    std::size_t bytes = 0;
  };

  virtual ~SocketStream() = default;  // closes the socket
  virtual int fd() const noexcept = 0;
  // Until it is kDone, once, before anything else.
  virtual Result<Step> handshake() = 0;
  virtual Result<Step> read(std::span<std::byte> buffer) = 0;
  virtual Result<Step> write(std::span<const std::byte> bytes) = 0;
};

// Takes over a connected socket that is set not to block, and closes it in any case. `host` is whom it should lead to.
using MakeSocketStream = std::function<Result<std::unique_ptr<SocketStream>>(int fd, const std::string& host)>;

// In the clear.
std::unique_ptr<SocketStream> plain_stream(int fd);

}  // namespace imgimport
