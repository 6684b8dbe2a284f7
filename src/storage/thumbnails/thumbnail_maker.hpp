// The storage service's own Thumbnails: reads the object, has a decoder process shrink it, keeps the result on disk.
//
// A fixed number of threads, each with a decoder process of its own, take what waits in order of arrival; threads and
// processes are made with the first thumbnail, and a process ends when nothing comes for a while. Whoever asks for what
// is being made waits for that. Nothing but a callback is held for one who waits, and their number is bounded.
//
// Threading: as Thumbnails. `done` of make() is called on one of the threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.hpp"
#include "imaging/decoder_process.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/object_store.hpp"
#include "imgimport/thumbnails.hpp"
#include "storage/thumbnails/thumbnail_cache.hpp"
#include "storage/thumbnails/thumbnails_busy.hpp"

namespace imgimport {

struct ThumbnailOptions {
  std::filesystem::path cache_folder;
  std::uint64_t cache_bytes = 512u << 20;
  std::size_t processes = 2;                       // images decoded at once; 0 = there are no thumbnails
  std::size_t max_waiting = kMostThumbnailAskers;  // askers, those of images under way included
  std::chrono::milliseconds read_within{30'000};   // an image from the store
  std::chrono::milliseconds idle{60'000};          // after which a decoder process ends
  std::chrono::milliseconds remember_refused{std::chrono::hours(24 * 7)};  // a newer libvips may do better
  std::chrono::milliseconds remember_failed{std::chrono::minutes(10)};     // crashed, too slow: perhaps not its fault
  DecoderOptions decoder;
};

class ThumbnailMaker final : public Thumbnails {
 public:
  // REQUIRES: store, clock and metrics outlive it.
  ThumbnailMaker(ThumbnailOptions options, ObjectStore& store, const Clock& clock, MetricsRegistry& metrics);
  ~ThumbnailMaker() override { stop(std::chrono::steady_clock::now()); }

  Result<std::optional<Thumbnail>> find(const CallContext& context, const ThumbnailRequest& request) override;
  void make(const CallContext& context, const ThumbnailRequest& request, Done done) override;
  Result<void> forget(const CallContext& context, const ObjectKey& key) override;

  // What waits and is under way ends until `deadline`; then askers get kUnavailable. Idempotent.
  void stop(std::chrono::steady_clock::time_point deadline);

 private:
  struct Asker {
    std::stop_token stop;
    std::chrono::steady_clock::time_point deadline;
    Done done;
  };
  struct Order {
    ThumbnailRequest request;
    std::vector<Asker> askers;
  };
  using Name = std::string;

  // Why no thumbnail at all can be made.
  std::optional<Error> trouble();
  static Name name_of(const ThumbnailRequest& request);
  void start_threads();
  void run();
  // nullopt: nothing came for a while, or cancel_ was requested.
  std::optional<Name> next();
  bool is_wanted(const Order& order) const;
  void drop_unwanted();
  void finish(const Name& name, const Result<Thumbnail>& result);
  Result<Thumbnail> made(DecoderProcess& decoder, const ThumbnailRequest& request);
  Result<Thumbnail> decoded(DecoderProcess& decoder, const ThumbnailRequest& request);
  Result<Thumbnail> explained(const ThumbnailRequest& request, Error error);

  const ThumbnailOptions options_;
  ObjectStore& store_;
  ThumbnailCache cache_;
  Counter& found_;
  Counter& made_;
  Counter& refused_;
  Counter& failed_;
  Counter& turned_away_;
  Counter& decode_milliseconds_;
  Gauge& waiting_gauge_;
  std::stop_source cancel_;

  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::condition_variable none_left_;
  std::map<Name, Order> orders_;  // waiting and under way
  std::deque<Name> queue_;        // of those that wait
  std::size_t askers_ = 0;
  bool stopping_ = false;
  std::optional<Error> no_library_;  // until then:
  std::chrono::steady_clock::time_point library_may_be_there_;
  std::vector<std::thread> threads_;
};

}  // namespace imgimport
