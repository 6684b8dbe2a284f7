#include "storage/local/upload_routes.hpp"

#include <exception>
#include <limits>
#include <string>
#include <utility>

#include "storage/http_answer.hpp"
#include "storage/local/local_put.hpp"

namespace imgimport {
namespace {

// A request's body as a blob: it can be read once.
class RequestBlob final : public Blob {
 public:
  RequestBlob(std::shared_ptr<ByteReader> body, std::optional<std::uint64_t> size)
      : body_(std::move(body)), size_(size) {}

  std::optional<std::uint64_t> size() const override { return size_; }
  Result<std::unique_ptr<ByteReader>> open(const CallContext&) const override {
    if (!body_) return Error(ErrorCode::kUnavailable, "a request's body can be read only once");
    return std::unique_ptr<ByteReader>(std::make_unique<Reader>(std::exchange(body_, nullptr)));
  }

 private:
  class Reader final : public ByteReader {
   public:
    explicit Reader(std::shared_ptr<ByteReader> body) : body_(std::move(body)) {}
    Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
      return body_->read(context, out);
    }

   private:
    const std::shared_ptr<ByteReader> body_;
  };
  mutable std::shared_ptr<ByteReader> body_;
  const std::optional<std::uint64_t> size_;
};

}  // namespace

struct LocalUploadRoutes::Upload {
  Upload(LocalUploadRoutes& uploads, const CallContext& call, const HttpRequest& asked, HttpResponder answers)
      : routes(uploads), context(call), request(asked), responder(std::move(answers)) {}
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload() {
    if (!is_accepted) return;
    const std::lock_guard lock(routes.mutex_);
    --routes.accepted_;
    routes.ended_.notify_all();
  }

  LocalUploadRoutes& routes;
  CallContext context;
  HttpRequest request;
  HttpResponder responder;
  PlannedPut plan;
  bool is_accepted = false;
};

LocalUploadRoutes::~LocalUploadRoutes() {
  stop(std::chrono::steady_clock::now());
}

void LocalUploadRoutes::mount(Router& router) {
  HttpRouteOptions options;
  options.max_body_bytes = std::numeric_limits<std::size_t>::max();  // the ticket bounds it
  options.guarded = false;                                           // the ticket is the right
  options.stream_body = true;
  router.handle_async(
      HttpMethod::kPut, std::string(kObjectsPath) + "{key...}",
      [this](const CallContext& context, const HttpRequest& request, HttpResponder responder) {
        put(context, request, std::move(responder));
      },
      options);
}

void LocalUploadRoutes::put(const CallContext& context, const HttpRequest& request, HttpResponder responder) {
  auto plan = tickets_.redeem(ObjectKey(request.path_arg("key")), request, clock_.now());
  if (!plan.has_value()) return responder.send(local_put_refusal(plan.error(), request));
  auto upload = std::make_shared<Upload>(*this, context, request, std::move(responder));
  upload->plan = *std::move(plan);
  ThreadPool* threads = admit(*upload);
  if (threads == nullptr) {
    return upload->responder.send(local_put_refusal(
        Error(ErrorCode::kUnavailable, "the storage service is ending").with_reason("server_ending"), request));
  }
  threads->post([this, upload = std::move(upload)] { run(*upload); });
}

void LocalUploadRoutes::run(Upload& upload) {
  std::stop_source stop;
  const std::stop_callback by_client(upload.context.stop, [&stop] { stop.request_stop(); });
  const std::stop_callback by_end(cancel_.get_token(), [&stop] { stop.request_stop(); });
  upload.context.stop = stop.get_token();
  std::optional<std::uint64_t> size = upload.plan.size_bytes;
  if (!size) size = parse_content_length(header_of(upload.request.headers, "Content-Length"));
  const RequestBlob blob(upload.request.body_reader, size);
  auto stored = objects_.put(upload.context, upload.plan.key, blob, upload.plan.options);
  // The answer promises that it lasts: the uploader asks no second question before the record is written.
  if (stored.has_value()) {
    if (auto flushed = objects_.flush(upload.context); !flushed.has_value()) stored = std::move(flushed).error();
  }
  upload.responder.send(stored.has_value() ? local_put_answer(*stored)
                                           : local_put_refusal(stored.error(), upload.request));
}

// Where to post it; nullptr: the service is ending. Counted from here on, not from when a thread takes it up: between
// the two, stop() would not see it.
ThreadPool* LocalUploadRoutes::admit(Upload& upload) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return nullptr;
  if (!pool_) pool_ = std::make_unique<ThreadPool>("upload", kUploads);
  ++accepted_;
  upload.is_accepted = true;
  return pool_.get();
}

void LocalUploadRoutes::stop(std::chrono::steady_clock::time_point deadline) {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    if (!pool_) return;
    ended_.wait_until(lock, deadline, [this] { return accepted_ == 0; });
  }
  cancel_.request_stop();
  pool_->stop();
}

}  // namespace imgimport
