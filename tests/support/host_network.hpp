// Several hosts on this machine: a network namespace each, every one wired to a router, which is where the test itself
// is meanwhile. Links can be cut so that packets vanish, as behind a broken switch, and nobody is told.
//
// Nothing of it is seen from outside, and all of it is gone with the test program, however that ends.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/child_process.hpp"

namespace imgimport {

class HostNetwork {
 public:
  // Empty, or why this machine cannot have one (not root, no ip, no iptables, forbidden).
  static std::string impossible();

  // Moves the calling thread, and with it all threads and processes that it makes from now on, to the router. Throws
  // with the words of the program that failed.
  // REQUIRES: impossible() is empty
  HostNetwork();
  ~HostNetwork();  // and back
  HostNetwork(const HostNetwork&) = delete;
  HostNetwork& operator=(const HostNetwork&) = delete;

  // Where the router's own servers listen.
  const std::string& router_address() const noexcept { return router_; }
  // Adds the host where it is new: its address, and the words that make a program run there.
  std::string address(const std::string& host);
  std::vector<std::string> launcher(const std::string& host);

  // Whatever is sent to or from the host, or to or from a port of the router's, vanishes.
  void cut(const std::string& host);
  void mend(const std::string& host);
  void cut(std::uint16_t port);
  void mend(std::uint16_t port);

 private:
  struct Host {
    std::string address;
    std::unique_ptr<ChildProcess> holder;  // of the namespace
  };
  Host& host(const std::string& name);
  void rules(const std::string& what, const std::string& host);
  void rules(const std::string& what, std::uint16_t port);

  const std::string router_ = "10.77.0.1";
  int home_ = -1;  // the namespace that the thread came from
  std::map<std::string, Host> hosts_;
};

}  // namespace imgimport
