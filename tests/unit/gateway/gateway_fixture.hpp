// A gateway with fakes around it, asked without sockets.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "base/metrics.hpp"
#include "base/thread_pool.hpp"
#include "fakes/fake_import_service.hpp"
#include "fakes/memory_metadata_store.hpp"
#include "fakes/memory_object_store.hpp"
#include "fakes/memory_thumbnails.hpp"
#include "gateway/gateway_module.hpp"
#include "support/waits.hpp"

namespace imgimport::gateway_test {

// A clock that stands until it is turned.
class StillClock : public Clock {
 public:
  Timestamp now() const override;
  std::chrono::steady_clock::time_point steady_now() const override;
  void advance(std::chrono::milliseconds by);

 private:
  mutable std::mutex mutex_;
  std::chrono::milliseconds passed_{0};
};

// The metadata store in memory, away when told so.
class FlakyMetadata : public MemoryMetadataStore {
 public:
  using MemoryMetadataStore::MemoryMetadataStore;
  // Walks, job_images and pings fail after so many more successful ones.
  void fail_after(std::optional<std::size_t> reads);

  Result<std::vector<Image>> walk(const CallContext& context, const ImageQuery& query, ImageId before,
                                  std::size_t limit) override;
  Result<std::vector<JobImage>> job_images(const CallContext& context, const JobId& job, ItemId after,
                                           std::size_t limit) override;
  Result<void> ping(const CallContext& context) override;

 private:
  std::optional<Error> trouble();
  std::mutex flaky_mutex_;
  std::optional<std::size_t> reads_left_;
};

// The object store in memory, away when told so.
class FlakyObjects : public ObjectStore {
 public:
  Result<StorePlace> place(const CallContext& context) override {
    const std::lock_guard lock(mutex_);
    return place_ ? Result<StorePlace>(*place_) : objects_.place(context);
  }
  Result<ObjectInfo> put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                         const PutOptions& options) override;
  Result<void> flush(const CallContext& context) override { return objects_.flush(context); }
  Result<ObjectInfo> head(const CallContext& context, const ObjectKey& key) override;
  Result<ObjectInfo> inspect(const CallContext& context, const ObjectKey& key) override;
  Result<ObjectContent> get(const CallContext& context, const ObjectKey& key,
                            const std::optional<ByteRange>& range) override;
  Result<void> remove(const CallContext& context, const ObjectKey& key) override;
  Result<std::vector<UploadTicket>> tickets(const CallContext& context, std::span<const PlannedPut> plans) override {
    return objects_.tickets(context, plans);
  }
  Result<std::string> link(const CallContext& context, const ObjectKey& key, const LinkOptions& options) override {
    const std::lock_guard lock(mutex_);
    linked_ = options;
    if (!link_base_.empty()) return link_base_ + key.value();
    return objects_.link(context, key, options);
  }

  // From now on it says that it is there, with the same objects.
  void stand_at(StorePlace place);
  bool has(const ObjectKey& key);
  std::size_t gets() const;
  // How often each key was inspected.
  std::map<ObjectKey, int> inspected() const;
  // Asked before each inspect, on its thread; an answer stands for the store's own.
  using Inspection = std::function<std::optional<Result<ObjectInfo>>(const CallContext&, const ObjectKey&)>;
  void on_inspect(Inspection inspection);
  // From now on there are links: this and the key. Not empty.
  void give_links(std::string base);
  LinkOptions linked() const;  // of the last link
  // What every later call answers; nullopt = it works again.
  void fail(std::optional<Error> error);

 private:
  std::optional<Error> error() const;

  MemoryObjectStore objects_{{.provider = "local", .bucket = "", .prefix = "images"}};
  mutable std::mutex mutex_;
  std::optional<StorePlace> place_;
  std::optional<Error> error_;
  std::size_t gets_ = 0;
  std::map<ObjectKey, int> inspected_;
  Inspection inspection_;
  std::string link_base_;
  LinkOptions linked_;
};

// The client's end of a pushed body.
class PushSink : public HttpPushWriter::Sink {
 public:
  bool write(std::string chunk) override;
  void close() override;
  void abort() override;
  std::size_t queued_bytes() const override;
  void on_gone(std::function<void()> callback) override;

  // Blocks until the text so far holds `part` (false: not within ten seconds, or the body is over without it).
  bool wait_for(std::string_view part);
  bool wait_for_end();
  std::string text() const;
  // The client goes away.
  void leave();
  void set_queued(std::size_t bytes);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::size_t queued_ = 0;
  bool over_ = false;
  std::vector<std::function<void()>> on_gone_;
};

struct Answer {
  int status = 0;
  HttpHeaders headers;
  std::string body;                  // a streamed one read to its end
  std::optional<Error> read_error;   // a stream that broke off
  std::shared_ptr<PushSink> events;  // of a pushed body

  std::string header(std::string_view name) const;
  boost::json::object json() const;
};

// An answer that has perhaps not come yet.
class PendingAnswer {
 public:
  bool has_come() const;
  // Blocks; status 0 when nothing came within ten seconds.
  Answer wait();
  // The client goes away.
  void leave() { gone_.request_stop(); }

 private:
  friend class GatewayFixture;
  struct State {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<HttpResponse> response;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::stop_source gone_;
};

struct Call {
  HttpMethod method = HttpMethod::kGet;
  std::string target;
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::optional<std::chrono::milliseconds> time_left = {};  // X-Deadline-Ms, as the HTTP server reads it
};

class GatewayFixture {
 public:
  explicit GatewayFixture(GatewayOptions options = fast_options());
  ~GatewayFixture();

  // Everything that waits in real time, short; pages of three records.
  static GatewayOptions fast_options();

  // As the HTTP server does it: route, guard, handler. 404 and 405 have no body.
  PendingAnswer send(const Call& call);
  Answer ask(const Call& call) { return send(call).wait(); }
  Answer get(const std::string& target) { return ask({.target = target}); }

  // A job by submit, listed up to `images` candidates, and one page of the journal for each call.
  JobId submit();
  void list(std::size_t images);
  void finish_listing();
  // Every pending item becomes an image with content of its own.
  void import_all();
  // The items of every batch of that job, as a worker gets them.
  std::vector<WorkItem> open_items();
  // submit, list, finish_listing, import_all.
  JobId imported_job(std::size_t images);

  // One image, as given; its bytes are stored.
  Image add_image(SourceFile file, const std::string& mime_type, const std::string& bytes);

  StillClock clock;
  FlakyMetadata metadata{clock};
  FlakyObjects objects;
  MemoryThumbnails thumbnails;
  FakeImportService imports{metadata};
  MetricsRegistry metrics;
  ThreadPool pool{"requests", 2};
  GatewayModule gateway;
  Router router;

 private:
  void import_items(const std::string& mime_type, const std::function<std::string(const WorkItem&)>& bytes_of);
  std::size_t listed_ = 0;
};

}  // namespace imgimport::gateway_test
