// The storage service's own PUT route, for workers in other processes while objects lie on a local disk: the ticket is
// the right, and says all that the bytes must be.
//
// Threading: handlers run on the request pool; uploads on threads of their own, so that slow ones never keep a request
// waiting. The threads are made with the first upload.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stop_token>

#include "base/thread_pool.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http.hpp"
#include "imgimport/object_store.hpp"
#include "storage/local/local_tickets.hpp"

namespace imgimport {

class LocalUploadRoutes {
 public:
  static constexpr std::size_t kUploads = 64;  // at once; others wait, and their clients with them

  // REQUIRES: all outlive it, and it the routes.
  LocalUploadRoutes(ObjectStore& objects, const LocalTickets& tickets, const Clock& clock)
      : objects_(objects), tickets_(tickets), clock_(clock) {}
  ~LocalUploadRoutes();
  void mount(Router& router);

  // Uploads under way end by themselves until `deadline`, and are cancelled then. Idempotent.
  void stop(std::chrono::steady_clock::time_point deadline);

 private:
  struct Upload;
  void put(const CallContext& context, const HttpRequest& request, HttpResponder responder);
  void run(Upload& upload);
  ThreadPool* admit(Upload& upload);

  ObjectStore& objects_;
  const LocalTickets& tickets_;
  const Clock& clock_;
  std::stop_source cancel_;

  std::mutex mutex_;  // guards all below
  std::condition_variable ended_;
  std::unique_ptr<ThreadPool> pool_;
  std::size_t accepted_ = 0;  // and not ended yet
  bool stopping_ = false;
};

}  // namespace imgimport
