// The storage service of a local disk behind a real HTTP server; its token is "token".
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/metrics.hpp"
#include "base/system_clock.hpp"
#include "base/thread_pool.hpp"
#include "http_server/server.hpp"
#include "storage/local/local_store.hpp"
#include "storage/storage_module.hpp"

namespace imgimport {

// The storage service as it runs: its module's routes, behind the guard of an internal port.
class StorageService {
 public:
  explicit StorageService(const std::filesystem::path& data, ThumbnailOptions thumbnails = {})
      : StorageService(LocalStore::open(data, clock_).value(), std::move(thumbnails)) {}
  ~StorageService() {
    module_.stop(std::chrono::steady_clock::now());
    server_.stop(std::chrono::steady_clock::now());
  }

  ObjectStore& store() { return module_.store(); }
  Thumbnails& thumbnails() { return module_.thumbnails(); }
  const std::string& url() const { return url_; }

 private:
  StorageService(std::unique_ptr<LocalStore> store, ThumbnailOptions thumbnails)
      : StorageService(*store, store, std::move(thumbnails)) {}
  StorageService(const LocalStore& local, std::unique_ptr<LocalStore>& store, ThumbnailOptions thumbnails)
      : module_({.store = std::move(store),
                 .tickets = &local.issued_tickets(),
                 .thumbnails = std::move(thumbnails),
                 .clock = clock_,
                 .metrics = metrics_}),
        server_({}, pool_) {
    module_.mount(router_);
    router_.set_guard([](const HttpRequest& request) -> std::optional<HttpResponse> {
      if (request.headers.find("Authorization") == "Bearer token") return std::nullopt;
      return HttpResponse{.status = 401};
    });
    HttpListenerOptions listener;
    listener.name = "storage";
    listener.router = &router_;
    url_ = "http://127.0.0.1:" + std::to_string(server_.listen(listener).value());
    server_.start();
  }

  static inline const SystemClock clock_;  // is there before the store that is opened with it
  MetricsRegistry metrics_;
  ThreadPool pool_{"requests", 4};
  StorageModule module_;
  Router router_;
  HttpServer server_;
  std::string url_;
};

}  // namespace imgimport
