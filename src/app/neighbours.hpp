// The services that this process calls in other processes: a client for each, and a watch that asks each of them every
// two seconds whether it is there and how it is, so that /health knows without asking and a circuit breaker closes
// soon.
//
// Threading: add, check and the life of the watch from one thread; troubles() from any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "config/roles.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/module.hpp"
#include "rest/service_client.hpp"

namespace imgimport {

class Neighbours {
 public:
  ~Neighbours() { stop(); }

  // REQUIRES: http and clock outlive this.
  ServiceClient& add(ServiceAddress address, HttpClient& http, const Clock& clock);

  // Asks each once. kMisconfigured: one answers that it is another service, another version, or takes another token.
  // One that is away is no error: its callers wait for it.
  Result<void> check() const;
  void start();
  void stop();

  // What the watch does every two seconds: asks each once. REQUIRES: the watch does not run.
  void look(const CallContext& context);

  // Those that do not answer, and those that say of themselves that something is amiss (is_state_text).
  std::vector<Health::Part> troubles() const;

 private:
  struct Neighbour {
    std::unique_ptr<ServiceClient> client;
    HttpClient& http;
    std::string state;  // guarded by mutex_: what it says of itself; empty: healthy
  };

  void watch(const std::stop_token& stop);

  std::vector<Neighbour> neighbours_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace imgimport
