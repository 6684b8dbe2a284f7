// The body of a request on its way from the connection to a handler that reads it piece by piece: a bounded queue, so
// that a slow handler slows the client down and no io thread waits.
//
// Threading: read() by one thread at a time, which it may block; the rest by the connection.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "imgimport/blob.hpp"

namespace imgimport {

class BodyInlet : public ByteReader {
 public:
  static constexpr std::size_t kMaxQueuedBytes = 256 << 10;

  // `wake` is called from the reader's thread when the reader begins, and when there is room again.
  explicit BodyInlet(std::function<void()> wake) : wake_(std::move(wake)) {}

  // The end is reached only when the body is whole. Else the error that fail() was given; kCancelled,
  // kDeadlineExceeded.
  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override;

  bool has_room();
  // Somebody reads.
  bool is_wanted() const;
  void push(std::string piece);
  void finish();
  // What was pushed before is still read.
  void fail(Error error);

 private:
  const std::function<void()> wake_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  std::deque<std::string> pieces_;
  std::size_t taken_ = 0;  // of the first piece
  std::size_t queued_ = 0;
  bool wanted_ = false;
  bool full_ = false;  // the connection waits for room
  bool finished_ = false;
  std::optional<Error> failure_;
};

}  // namespace imgimport
