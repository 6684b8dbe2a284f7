// The thumbnails of a storage service in another process.
//
// Threading: as Thumbnails. What has to be made is waited for by threads of its own, which are made with the first
// one. Errors: the service's own, and those of ServiceClient (kUnavailable while it is away).
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stop_token>

#include "base/thread_pool.hpp"
#include "imgimport/thumbnails.hpp"
#include "rest/service_client.hpp"

namespace imgimport {

class RemoteThumbnails final : public Thumbnails {
 public:
  static constexpr std::size_t kThreads = 8;  // more than a storage service decodes at once on most machines

  // REQUIRES: the client outlives it.
  explicit RemoteThumbnails(ServiceClient& service) : service_(service) {}
  // Gives up what waits, with kUnavailable.
  ~RemoteThumbnails() override;

  Result<std::optional<Thumbnail>> find(const CallContext& context, const ThumbnailRequest& request) override;
  void make(const CallContext& context, const ThumbnailRequest& request, Done done) override;
  Result<void> forget(const CallContext& context, const ObjectKey& key) override;

 private:
  struct Call;
  // nullopt: nothing is kept.
  Result<std::optional<Thumbnail>> ask(const CallContext& context, const ThumbnailRequest& request,
                                       std::string_view more);
  void run(Call& call);
  ThreadPool& pool();

  ServiceClient& service_;
  std::atomic<std::size_t> waiting_{0};
  std::stop_source cancel_;
  std::mutex mutex_;
  std::unique_ptr<ThreadPool> pool_;  // guarded by mutex_; last: its threads use the others
};

}  // namespace imgimport
