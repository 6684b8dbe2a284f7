#include "storage/thumbnails/thumbnail_maker.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "base/image_type.hpp"
#include "base/log.hpp"
#include "base/span_blob.hpp"

namespace imgimport {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::minutes kLookForLibraryEvery{1};

constexpr std::array<std::string_view, 9> kDecoded = {"image/jpeg", "image/png",  "image/gif",
                                                      "image/webp", "image/tiff", "image/avif",
                                                      "image/heic", "image/heif", "image/heic-sequence"};
// Raw files whose preview is found (imaging/raw_preview).
constexpr std::string_view kRawPrefix = "image/x-";

Error no_thumbnail(std::string reason, std::string_view why) {
  return Error(ErrorCode::kUnsupported, fmt::format("No thumbnail can be made of this image: {}", why))
      .with_reason(std::move(reason))
      .with_remedy(std::string(kNoThumbnailRemedy));
}

Error switched_off() {
  return Error(ErrorCode::kUnsupported, "This server makes no thumbnails")
      .with_reason("thumbnails_off")
      .with_remedy("Set THUMBNAIL_PROCESSES to 1 or more where the storage service runs.");
}

Error no_library(const Error& error) {
  return Error(ErrorCode::kUnsupported, "This server makes no thumbnails: " + error.message())
      .with_reason("thumbnails_off")
      .with_remedy(error.remedy());
}

Error ending() {
  return Error(ErrorCode::kUnavailable, "the storage service is ending").with_reason("server_ending");
}

// The bytes that were looked at, and then the others.
class LookedAtReader final : public ByteReader {
 public:
  LookedAtReader(std::span<const std::byte> beginning, ByteReader& rest) : beginning_(beginning), rest_(rest) {}

  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, beginning_.read(context, out));
    if (count > 0) return count;
    return rest_.read(context, out);
  }

 private:
  SpanReader beginning_;
  ByteReader& rest_;
};

// As many as are there, up to the buffer's size.
Result<std::size_t> read_beginning(const CallContext& context, ByteReader& reader, std::span<std::byte> buffer) {
  std::size_t got = 0;
  while (got < buffer.size()) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader.read(context, buffer.subspan(got)));
    if (count == 0) break;
    got += count;
  }
  return got;
}

}  // namespace

ThumbnailMaker::ThumbnailMaker(ThumbnailOptions options, ObjectStore& store, const Clock& clock,
                               MetricsRegistry& metrics)
    : options_(std::move(options)),
      store_(store),
      cache_(options_.cache_folder, options_.cache_bytes, clock),
      found_(metrics.counter("imgimport_thumbnails_total", "Thumbnails asked for, by what became of them.",
                             "outcome=\"kept\"")),
      made_(metrics.counter("imgimport_thumbnails_total", "", "outcome=\"made\"")),
      refused_(metrics.counter("imgimport_thumbnails_total", "", "outcome=\"refused\"")),
      failed_(metrics.counter("imgimport_thumbnails_total", "", "outcome=\"failed\"")),
      turned_away_(metrics.counter("imgimport_thumbnails_total", "", "outcome=\"busy\"")),
      decode_milliseconds_(metrics.counter("imgimport_thumbnail_milliseconds_total",
                                           "Time spent reading and decoding images for thumbnails.")),
      waiting_gauge_(metrics.gauge("imgimport_thumbnails_waiting", "Requests that wait for a thumbnail to be made.")) {
  metrics.gauge_callback("imgimport_thumbnail_cache_bytes", "Bytes of the thumbnails that are kept.",
                         [this] { return static_cast<std::int64_t>(cache_.bytes()); });
}

ThumbnailMaker::Name ThumbnailMaker::name_of(const ThumbnailRequest& request) {
  return fmt::format("{}\n{}\n{}", request.key.value(), request.version, request.width);
}

std::optional<Error> ThumbnailMaker::trouble() {
  if (options_.processes == 0) return switched_off();
  const std::lock_guard lock(mutex_);
  if (no_library_ && steady_clock::now() < library_may_be_there_) return no_library_;
  return std::nullopt;
}

Result<std::optional<Thumbnail>> ThumbnailMaker::find(const CallContext&, const ThumbnailRequest& request) {
  if (auto off = trouble()) return *std::move(off);
  ThumbnailCache::Found found = cache_.find(request);
  if (found.failure) {
    refused_.add();
    return *std::move(found.failure);
  }
  if (found.thumbnail) found_.add();
  return std::move(found.thumbnail);
}

void ThumbnailMaker::make(const CallContext& context, const ThumbnailRequest& request, Done done) {
  if (auto off = trouble()) return done(*std::move(off));
  if (auto checked = context.check(); !checked.has_value()) return done(std::move(checked).error());
  std::optional<Error> refusal;
  {
    std::unique_lock lock(mutex_);
    if (askers_ >= options_.max_waiting && !stopping_) {
      lock.unlock();
      drop_unwanted();
      lock.lock();
    }
    if (stopping_) {
      refusal = ending();
    } else if (askers_ >= options_.max_waiting) {
      refusal = thumbnails_busy();
      turned_away_.add();
    } else {
      const auto [order, is_new] = orders_.try_emplace(name_of(request));
      if (is_new) {
        order->second.request = request;
        queue_.push_back(order->first);
        start_threads();
      }
      order->second.askers.push_back({context.stop, context.deadline, std::move(done)});
      waiting_gauge_.set(static_cast<std::int64_t>(++askers_));
    }
  }
  if (!refusal) return wake_.notify_one();
  done(*std::move(refusal));
}

Result<void> ThumbnailMaker::forget(const CallContext&, const ObjectKey& key) {
  cache_.forget(key);
  return {};
}

// REQUIRES: mutex_ is held.
void ThumbnailMaker::start_threads() {
  while (threads_.size() < options_.processes) {
    threads_.emplace_back([this] {
      pthread_setname_np(pthread_self(), "thumbnail");
      run();
    });
  }
}

bool ThumbnailMaker::is_wanted(const Order& order) const {
  const auto now = steady_clock::now();
  return std::any_of(order.askers.begin(), order.askers.end(),
                     [now](const Asker& asker) { return !asker.stop.stop_requested() && asker.deadline > now; });
}

// Those whose askers have gone free their room; a gallery that is scrolled through leaves many behind.
void ThumbnailMaker::drop_unwanted() {
  std::vector<Asker> gone;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(queue_, [&](const Name& name) {
      const auto order = orders_.find(name);
      if (is_wanted(order->second)) return false;
      std::move(order->second.askers.begin(), order->second.askers.end(), std::back_inserter(gone));
      orders_.erase(order);
      return true;
    });
    askers_ -= gone.size();
    waiting_gauge_.set(static_cast<std::int64_t>(askers_));
  }
  for (Asker& asker : gone) asker.done(Error(ErrorCode::kCancelled, "nobody waits for it any more"));
}

std::optional<ThumbnailMaker::Name> ThumbnailMaker::next() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, options_.idle, [this] { return !queue_.empty() || cancel_.stop_requested(); });
  if (queue_.empty() || cancel_.stop_requested()) return std::nullopt;
  Name name = std::move(queue_.front());
  queue_.pop_front();
  return name;
}

void ThumbnailMaker::run() {
  DecoderProcess decoder(options_.decoder);
  for (;;) {
    const std::optional<Name> name = next();
    if (cancel_.stop_requested()) return;
    if (!name) {
      decoder.end();
      continue;
    }
    ThumbnailRequest request;
    bool wanted = false;
    {
      const std::lock_guard lock(mutex_);
      const Order& order = orders_.at(*name);
      request = order.request;
      wanted = is_wanted(order);
    }
    try {
      finish(*name, wanted ? made(decoder, request)
                           : Result<Thumbnail>(Error(ErrorCode::kCancelled, "nobody waits for it any more")));
    } catch (const std::exception& failure) {
      finish(*name, Error(ErrorCode::kInternal, failure.what()));
    }
  }
}

void ThumbnailMaker::finish(const Name& name, const Result<Thumbnail>& result) {
  std::vector<Asker> askers;
  {
    const std::lock_guard lock(mutex_);
    const auto order = orders_.find(name);
    if (order == orders_.end()) return;
    askers = std::move(order->second.askers);
    orders_.erase(order);
    askers_ -= askers.size();
    waiting_gauge_.set(static_cast<std::int64_t>(askers_));
    if (orders_.empty()) none_left_.notify_all();
  }
  for (Asker& asker : askers) asker.done(result);
}

Result<Thumbnail> ThumbnailMaker::made(DecoderProcess& decoder, const ThumbnailRequest& request) {
  // It may have been made while this order came in.
  ThumbnailCache::Found found = cache_.find(request);
  if (found.failure) return *std::move(found.failure);
  if (found.thumbnail) return *std::move(found.thumbnail);
  const auto begin = steady_clock::now();
  auto thumbnail = decoded(decoder, request);
  decode_milliseconds_.add(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin).count()));
  if (!thumbnail.has_value()) return explained(request, std::move(thumbnail).error());
  made_.add();
  cache_.keep(request, *thumbnail);
  return thumbnail;
}

Result<Thumbnail> ThumbnailMaker::decoded(DecoderProcess& decoder, const ThumbnailRequest& request) {
  CallContext context;
  context.stop = cancel_.get_token();
  // The decoder has a limit of its own behind this one, which is the store's.
  context = context.with_timeout(options_.read_within + options_.decoder.time);
  IMGIMPORT_ASSIGN_OR_RETURN(const ObjectContent object, store_.get(context, request.key, std::nullopt));
  std::array<std::byte, kSniffBytes> buffer;
  IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, read_beginning(context, *object.reader, buffer));
  const std::span<const std::byte> beginning(buffer.data(), count);
  const auto type = sniff_image(beginning, request.mime_type);
  const bool is_raw = type && type->mime_type.starts_with(kRawPrefix);
  if (!type || (!is_raw && std::find(kDecoded.begin(), kDecoded.end(), type->mime_type) == kDecoded.end())) {
    return Error(ErrorCode::kUnsupported, "it is in a format that no thumbnails are made of")
        .with_reason("image_unsupported");
  }
  LookedAtReader reader(beginning, *object.reader);
  IMGIMPORT_ASSIGN_OR_RETURN(Picture picture, decoder.shrink(context, {.width = request.width, .is_raw = is_raw},
                                                             reader, object.info.size_bytes));
  return Thumbnail{"image/webp", std::make_shared<const std::string>(std::move(picture.bytes))};
}

// What is the image's own fault is remembered, so that nobody decodes a bomb once for each visitor.
Result<Thumbnail> ThumbnailMaker::explained(const ThumbnailRequest& request, Error error) {
  const std::string& reason = error.reason();
  const bool is_refused = blames_the_image(error);
  const bool is_failed = reason == "decoder_crashed" || reason == "decoder_too_slow";
  if (reason == "no_decoder") {
    const Error off = no_library(error);
    const std::lock_guard lock(mutex_);
    if (!no_library_) log_warning("there are no thumbnails", {{"error", error.message()}, {"remedy", error.remedy()}});
    no_library_ = off;
    library_may_be_there_ = steady_clock::now() + kLookForLibraryEvery;
    return off;
  }
  if (!is_refused && !is_failed) return error;
  const std::string public_reason =
      is_failed ? "thumbnail_failed" : "thumbnail_" + reason.substr(std::string_view("image_").size());
  Error told = no_thumbnail(public_reason, error.message());
  (is_failed ? log_warning : log_info)(
      "no thumbnail", {{"key", request.key.value()}, {"reason", told.reason()}, {"error", error.message()}});
  (is_failed ? failed_ : refused_).add();
  cache_.keep_failure(request, told, is_failed ? options_.remember_failed : options_.remember_refused);
  return told;
}

void ThumbnailMaker::stop(steady_clock::time_point deadline) {
  std::vector<std::thread> threads;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    none_left_.wait_until(lock, deadline, [this] { return orders_.empty(); });
    threads.swap(threads_);
    cancel_.request_stop();
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
  std::vector<Name> left;
  {
    const std::lock_guard lock(mutex_);
    queue_.clear();
    for (const auto& [name, order] : orders_) left.push_back(name);
  }
  for (const Name& name : left) finish(name, ending());
}

}  // namespace imgimport
