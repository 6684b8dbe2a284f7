// A child process that decodes images of strangers, confined (confinement.hpp), and its owner's side of the talk with
// it. What happens to the child happens to nobody else: where it crashes, hangs or wants too much memory, it is gone,
// and the next image starts another one.
//
// Threading: one thread at a time, and the thread that starts the child must live as long as the child: the kernel
// kills the child with it. Every wait observes the context.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/event_wait.hpp"
#include "base/unique_fd.hpp"
#include "imaging/picture.hpp"
#include "imgimport/blob.hpp"
#include "imgimport/call_context.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct DecoderOptions {
  DecoderLimits limits;
  std::chrono::milliseconds time{20'000};  // for an image, once the child has all of its bytes
  std::size_t images = 200;                // after so many a new child takes over: what libraries leak goes with it
  std::string program = "/proc/self/exe";  // which run_decoder() is reached in by kDecoderFlag
};

// Of the errors of shrink(): whether the image was looked at and refused.
bool blames_the_image(const Error& error);

class DecoderProcess {
 public:
  explicit DecoderProcess(DecoderOptions options) : options_(std::move(options)) {}
  ~DecoderProcess() { end(); }
  DecoderProcess(const DecoderProcess&) = delete;
  DecoderProcess& operator=(const DecoderProcess&) = delete;

  // Hands the image over piece by piece, so that none of it is held here, and waits for the picture. Starts the child
  // where there is none.
  // kTooLarge (image_too_large): more bytes or pixels than the limits; kUnsupported (image_unsupported): no format of
  // ours; kCorrupt (image_damaged); kDeadlineExceeded (decoder_too_slow): the child was killed after options.time;
  // kInternal (decoder_crashed): it ended by itself; kMisconfigured (no_decoder): libvips is not installed;
  // kUnavailable: no process can be made, or the image is shorter than `size`. Errors of `image` are passed on.
  Result<Picture> shrink(const CallContext& context, const ShrinkOrder& order, ByteReader& image, std::uint64_t size);

  // Kills the child, if there is one.
  void end() noexcept;
  bool is_running() const noexcept { return child_ > 0; }
  pid_t child() const noexcept { return child_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  Result<void> start();
  Result<Picture> talk(const CallContext& context, const ShrinkOrder& order, ByteReader& image, std::uint64_t size);
  Result<void> send(const CallContext& context, std::span<const std::byte> bytes, Time until);
  Result<void> receive(const CallContext& context, std::span<std::byte> out, Time until);
  Result<void> wait(const CallContext& context, short events, Time until);
  Error crashed();

  const DecoderOptions options_;
  pid_t child_ = -1;
  UniqueFd socket_;
  std::size_t done_ = 0;  // by this child
};

}  // namespace imgimport
