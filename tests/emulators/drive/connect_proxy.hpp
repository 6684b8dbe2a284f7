// An HTTP proxy that accepts CONNECT to any host and leads every tunnel to one port of this machine: how a client that
// insists on https://www.googleapis.com (rclone does) reaches the emulator. Bytes go from socket to socket inside the
// kernel.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "imgimport/result.hpp"

namespace imgimport::emulator {

// start and stop from one thread; the proxy runs on a thread of its own.
class ConnectProxy {
 public:
  // Tunnels lead to 127.0.0.1:`target_port`.
  explicit ConnectProxy(std::uint16_t target_port);
  ~ConnectProxy();
  ConnectProxy(const ConnectProxy&) = delete;
  ConnectProxy& operator=(const ConnectProxy&) = delete;

  // Listens on 127.0.0.1; 0 = pick a port. kMisconfigured: taken.
  Result<std::uint16_t> start(std::uint16_t port);
  // Closes everything. Idempotent.
  void stop();

 private:
  class Loop;
  const std::uint16_t target_port_;
  std::unique_ptr<Loop> loop_;
};

}  // namespace imgimport::emulator
