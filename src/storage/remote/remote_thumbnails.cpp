#include "storage/remote/remote_thumbnails.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "base/object_key.hpp"
#include "base/text.hpp"
#include "storage/remote/storage_calls.hpp"
#include "storage/thumbnails/thumbnails_busy.hpp"

namespace imgimport {

using namespace storage_call;

namespace {

constexpr std::size_t kMaxThumbnailBytes = 16u << 20;

Result<std::string> read_whole(const CallContext& context, ByteReader& reader) {
  std::string bytes;
  std::array<std::byte, 16 << 10> piece;
  for (;;) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader.read(context, piece));
    if (count == 0) return bytes;
    bytes.append(reinterpret_cast<const char*>(piece.data()), count);
    if (bytes.size() > kMaxThumbnailBytes) return bad_message(" is larger than any thumbnail");
  }
}

}  // namespace

// Answers when it goes, should nobody have done so.
struct RemoteThumbnails::Call {
  Call(CallContext call_context, ThumbnailRequest wanted, Done on_done, std::atomic<std::size_t>& counter)
      : context(std::move(call_context)), request(std::move(wanted)), done(std::move(on_done)), waiting(counter) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    if (done) answer(Error(ErrorCode::kUnavailable, "the server is ending").with_reason("server_ending"));
  }
  void answer(Result<Thumbnail> result) {
    --waiting;
    std::exchange(done, nullptr)(std::move(result));
  }

  CallContext context;
  ThumbnailRequest request;
  Done done;
  std::atomic<std::size_t>& waiting;
};

RemoteThumbnails::~RemoteThumbnails() {
  cancel_.request_stop();
}

Result<std::optional<Thumbnail>> RemoteThumbnails::ask(const CallContext& context, const ThumbnailRequest& request,
                                                       std::string_view more) {
  IMGIMPORT_RETURN_IF_ERROR(check_object_key(request.key));
  const std::string target =
      fmt::format("{}{}?w={}&version={}&type={}{}", kThumbnailPath, percent_encode_path(request.key.value()),
                  request.width, percent_encode(request.version), percent_encode(request.mime_type), more);
  IMGIMPORT_ASSIGN_OR_RETURN(auto download, service_.open(context, target));
  const auto text = download->headers().find(kThumbnailHeader);
  if (!text) return bad_message(" says nothing of the thumbnail");
  IMGIMPORT_ASSIGN_OR_RETURN(ThumbnailFacts facts, decode<ThumbnailFacts>(*text));
  IMGIMPORT_ASSIGN_OR_RETURN(std::string bytes, read_whole(context, *download));
  if (!facts.is_kept) return std::optional<Thumbnail>();
  return std::optional(Thumbnail{std::move(facts.content_type), std::make_shared<const std::string>(std::move(bytes))});
}

Result<std::optional<Thumbnail>> RemoteThumbnails::find(const CallContext& context, const ThumbnailRequest& request) {
  return ask(context.with_timeout(kCallLimit), request, "&kept=1");
}

void RemoteThumbnails::make(const CallContext& context, const ThumbnailRequest& request, Done done) {
  if (++waiting_ > kMostThumbnailAskers) {
    --waiting_;
    return done(thumbnails_busy());
  }
  auto call = std::make_shared<Call>(context, request, std::move(done), waiting_);
  pool().post([this, call = std::move(call)] { run(*call); });
}

void RemoteThumbnails::run(Call& call) {
  std::stop_source stop;
  const std::stop_callback by_client(call.context.stop, [&stop] { stop.request_stop(); });
  const std::stop_callback by_end(cancel_.get_token(), [&stop] { stop.request_stop(); });
  CallContext context = call.context;
  context.stop = stop.get_token();
  auto made = ask(context, call.request, "");
  if (!made.has_value()) return call.answer(std::move(made).error());
  if (!*made) return call.answer(bad_message(" holds no thumbnail"));
  call.answer(**std::move(made));
}

Result<void> RemoteThumbnails::forget(const CallContext& context, const ObjectKey& key) {
  return service_.call(context, kForgetThumbnails, KeyRequest{key});
}

ThreadPool& RemoteThumbnails::pool() {
  const std::lock_guard lock(mutex_);
  if (!pool_) pool_ = std::make_unique<ThreadPool>("thumbnail-calls", kThreads);
  return *pool_;
}

}  // namespace imgimport
