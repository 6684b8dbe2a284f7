// The emulator without its sockets: Drive v3's routes over a tree, with access, faults and counters.
//
// Thread-safe once mounted.
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "emulators/drive/access_book.hpp"
#include "emulators/drive/counters.hpp"
#include "emulators/drive/delayer.hpp"
#include "emulators/drive/drive_tree.hpp"
#include "emulators/drive/faults.hpp"
#include "emulators/drive/listing.hpp"
#include "imgimport/http.hpp"

namespace imgimport::emulator {

class DriveService {
 public:
  explicit DriveService(std::uint64_t seed);

  DriveTree& tree() { return tree_; }
  AccessBook& access() { return access_; }
  FaultBook& faults() { return faults_; }
  Counters& counters() { return counters_; }
  // All page tokens given out so far are refused from now on.
  void expire_page_tokens() { ++page_tokens_; }
  // For every request, beside what fault rules add.
  void set_latency(std::chrono::milliseconds latency) { latency_ms_ = latency.count(); }
  // One line for each request: kind, method, target, status. false: the file cannot be written.
  bool log_to(const std::string& path);
  // How many connections are open, for the counters. Set before mount.
  void set_connection_gauge(std::function<std::size_t()> gauge) { connection_gauge_ = std::move(gauge); }

  // Drive's routes, /token, and the emulator's own under /_emulator/ (only for callers on this machine).
  void mount(Router& router);
  // Answers that wait out a latency are never sent.
  void drop_delayed() { delayer_.drop_all(); }

 private:
  using Answer = std::function<HttpResponse(const HttpRequest&, const Fault&)>;

  void route(Router& router, HttpMethod method, std::string pattern, HttpRouteOptions options,
             std::function<RequestKind(const HttpRequest&)> kind_of, Answer answer);
  void mount_admin(Router& router);
  Fault decide(RequestKind kind, const HttpRequest& request);
  HttpResponse respond(RequestKind kind, const HttpRequest& request, const Fault& fault, const Answer& answer);
  HttpResponse harmed(HttpResponse response, const Fault& fault);
  void log(RequestKind kind, const HttpRequest& request, int status);

  HttpResponse list(const HttpRequest& request, const Caller& caller);
  HttpResponse get(const HttpRequest& request, const Caller& caller);
  HttpResponse download(const HttpRequest& request, const Caller& caller, const Fault& fault);
  HttpResponse send_content(const HttpRequest& request, const DriveItem& item, const Fault& fault);

  const std::uint64_t seed_;
  DriveTree tree_;
  AccessBook access_;
  FaultBook faults_;
  Counters counters_;
  PageTokenGeneration page_tokens_{1};
  std::atomic<std::int64_t> latency_ms_{0};
  std::function<std::size_t()> connection_gauge_;
  std::mutex log_mutex_;
  std::ofstream log_;  // guarded by log_mutex_
  std::atomic<bool> logging_{false};
  Delayer delayer_;
};

}  // namespace imgimport::emulator
