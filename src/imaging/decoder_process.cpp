#include "imaging/decoder_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "imaging/confinement.hpp"
#include "imaging/decoder_main.hpp"
#include "imaging/decoder_protocol.hpp"

namespace imgimport {
namespace {

using decoder_protocol::Answer;
using decoder_protocol::Order;
using decoder_protocol::Outcome;
using std::chrono::steady_clock;

constexpr std::size_t kPieceBytes = 256 << 10;

Error cannot_start(int error_number) {
  return Error(ErrorCode::kUnavailable,
               "no process can be started that decodes images: " + std::generic_category().message(error_number))
      .with_reason("no_process");
}

// posix_spawn's two kinds of settings, which go as they came.
class SpawnSettings {
 public:
  explicit SpawnSettings(int socket) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_adddup2(&files_, socket, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    // A sanitizer's report is worth reading; what image libraries say of a stranger's bytes is not.
    if (!kUnderSanitizer) posix_spawn_file_actions_addopen(&files_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files_, STDERR_FILENO + 1);

    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    // A group of its own: the terminal's Ctrl-C is the server's to act upon.
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawn_file_actions_t* files() const noexcept { return &files_; }
  const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

std::span<std::byte> piece_buffer() {
  thread_local const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kPieceBytes);
  return {buffer.get(), kPieceBytes};
}

Error refusal(Outcome outcome, std::string text) {
  switch (outcome) {
    case Outcome::kUnsupported:
      return Error(ErrorCode::kUnsupported, std::move(text)).with_reason("image_unsupported");
    case Outcome::kTooLarge:
      return Error(ErrorCode::kTooLarge, std::move(text)).with_reason("image_too_large");
    case Outcome::kNoLibrary:
      return Error(ErrorCode::kMisconfigured, std::move(text))
          .with_reason("no_decoder")
          .with_remedy("Install libvips 8.13 or later (Debian: libvips42) where the storage service runs");
    default:
      return Error(ErrorCode::kCorrupt, std::move(text)).with_reason("image_damaged");
  }
}

}  // namespace

bool blames_the_image(const Error& error) {
  return error.reason().starts_with("image_");
}

Result<void> DecoderProcess::start() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return cannot_start(errno);
  UniqueFd ours(pair[0]);
  const UniqueFd theirs(pair[1]);
  const DecoderLimits& limits = options_.limits;
  std::vector<std::string> words = {"imgimport",
                                    std::string(kDecoderFlag),
                                    std::to_string(limits.input_bytes),
                                    std::to_string(limits.pixels),
                                    std::to_string(kUnderSanitizer ? 0 : limits.address_space_bytes),
                                    std::to_string(limits.cpu_seconds)};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // Nothing of the server's environment, which may hold keys. What is freed goes back to the system at once: the
  // process may live for hundreds of images.
  std::string locale = "LC_ALL=C";
  std::string heap = "TCMALLOC_AGGRESSIVE_DECOMMIT=1";
  std::array<char*, 3> environment = {locale.data(), heap.data(), nullptr};
  const SpawnSettings settings(theirs.get());
  pid_t child = -1;
  const int failed = ::posix_spawn(&child, options_.program.c_str(), settings.files(), settings.attributes(),
                                   arguments.data(), environment.data());
  if (failed != 0) return cannot_start(failed);
  child_ = child;
  socket_ = std::move(ours);
  done_ = 0;
  return {};
}

void DecoderProcess::end() noexcept {
  if (child_ <= 0) return;
  static_cast<void>(socket_.close());
  static_cast<void>(::kill(child_, SIGKILL));
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
}

Error DecoderProcess::crashed() {
  int status = 0;
  // It has closed its socket, which it does by ending; should it not have ended, it is made to.
  static_cast<void>(::kill(child_, SIGKILL));
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  log_warning("a decoder process ended", {{"pid", child_},
                                          {"signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0},
                                          {"exit", WIFEXITED(status) ? WEXITSTATUS(status) : 0}});
  child_ = -1;
  static_cast<void>(socket_.close());
  return Error(ErrorCode::kInternal, "the process that decoded it ended").with_reason("decoder_crashed");
}

Result<Picture> DecoderProcess::shrink(const CallContext& context, const ShrinkOrder& order, ByteReader& image,
                                       std::uint64_t size) {
  if (size > options_.limits.input_bytes) {
    return Error(ErrorCode::kTooLarge,
                 fmt::format("it has {} bytes; {} MiB are the most", size, options_.limits.input_bytes >> 20))
        .with_reason("image_too_large");
  }
  if (!is_running()) IMGIMPORT_RETURN_IF_ERROR(start());
  auto picture = talk(context, order, image, size);
  // A refusal is a complete answer; anything else leaves the child in the middle of something.
  const bool in_step = picture.has_value() || blames_the_image(picture.error());
  if (!in_step || ++done_ >= options_.images) end();
  return picture;
}

Result<Picture> DecoderProcess::talk(const CallContext& context, const ShrinkOrder& order, ByteReader& image,
                                     std::uint64_t size) {
  // Its start counts, and what it takes to swallow the image; not how long the image takes to come.
  constexpr auto kTakesWithin = std::chrono::seconds(10);
  Order head;
  head.width = order.width;
  head.is_raw = order.is_raw ? 1 : 0;
  head.size = size;
  IMGIMPORT_RETURN_IF_ERROR(send(context, std::as_bytes(std::span(&head, 1)), steady_clock::now() + kTakesWithin));
  for (std::uint64_t left = size; left > 0;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceBytes));
    auto count = image.read(context, piece_buffer().first(wanted));
    if (!count.has_value()) {
      end();
      return std::move(count).error();
    }
    if (*count == 0) {
      end();
      return Error(ErrorCode::kUnavailable, "the object is shorter than the store says").with_reason("short_object");
    }
    IMGIMPORT_RETURN_IF_ERROR(send(context, piece_buffer().first(*count), steady_clock::now() + kTakesWithin));
    left -= *count;
  }
  const Time until = steady_clock::now() + options_.time;
  Answer answer;
  IMGIMPORT_RETURN_IF_ERROR(receive(context, std::as_writable_bytes(std::span(&answer, 1)), until));
  if (answer.magic != decoder_protocol::kMagic || answer.size > decoder_protocol::kMaxAnswerBytes) return crashed();
  Picture picture;
  picture.bytes.resize(static_cast<std::size_t>(answer.size));
  IMGIMPORT_RETURN_IF_ERROR(receive(context, std::as_writable_bytes(std::span(picture.bytes)), until));
  if (answer.outcome != Outcome::kDone) return refusal(answer.outcome, std::move(picture.bytes));
  picture.width = answer.width;
  picture.height = answer.height;
  return picture;
}

Result<void> DecoderProcess::wait(const CallContext& context, short events, Time until) {
  EventWait waiting;
  if (!waiting.valid()) return cannot_start(errno);
  waiting.watch(socket_.get(), events);
  for (;;) {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    const Time now = steady_clock::now();
    if (now >= until) {
      end();
      return Error(ErrorCode::kDeadlineExceeded, "decoding it takes too long").with_reason("decoder_too_slow");
    }
    if (!waiting.wait(context.stop, now, std::min(until, context.deadline)).empty()) return {};
  }
}

Result<void> DecoderProcess::send(const CallContext& context, std::span<const std::byte> bytes, Time until) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      IMGIMPORT_RETURN_IF_ERROR(wait(context, POLLOUT, until));
    } else if (errno != EINTR) {
      return crashed();
    }
  }
  return {};
}

Result<void> DecoderProcess::receive(const CallContext& context, std::span<std::byte> out, Time until) {
  while (!out.empty()) {
    const ssize_t count = ::recv(socket_.get(), out.data(), out.size(), MSG_DONTWAIT);
    if (count > 0) {
      out = out.subspan(static_cast<std::size_t>(count));
    } else if (count < 0 && errno == EAGAIN) {
      IMGIMPORT_RETURN_IF_ERROR(wait(context, POLLIN, until));
    } else if (count == 0 || errno != EINTR) {
      return crashed();
    }
  }
  return {};
}

}  // namespace imgimport
