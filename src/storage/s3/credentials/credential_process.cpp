#include "storage/s3/credentials/credential_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/event_wait.hpp"
#include "storage/s3/credentials/answers.hpp"
#include "storage/s3/credentials/command_line.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kMaxOutput = 64u << 10;
constexpr std::chrono::seconds kProcessTime{25};

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

Error cannot_start(int number) {
  return Error(ErrorCode::kMisconfigured, "it cannot be started: " + std::generic_category().message(number));
}

// Starts the program with `output` as its standard output; its pid.
Result<pid_t> start_program(const std::vector<std::string>& words, int output) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);

  // The server's threads block signals and it ignores SIGPIPE, which a program would inherit.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int number = posix_spawnp(&pid, arguments.front(), &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (number != 0) return cannot_start(number);
  return pid;
}

// Kills and reaps what was not reaped.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid), ended_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  ~Child() {
    if (pid_ < 0) return;
    ::kill(-pid_, SIGKILL);
    reap();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Becomes readable when the child has ended.
  int ended_fd() const noexcept { return ended_.get(); }
  // How it ended, as waitpid() says it.
  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
  Descriptor ended_;
};

enum class ReadState : std::uint8_t { kNothingNow = 1, kEnd, kTooMuch };

ReadState read_what_is_there(int fd, std::string& output) {
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count == 0) return ReadState::kEnd;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN ? ReadState::kNothingNow : ReadState::kEnd;
    if (output.size() + static_cast<std::size_t>(count) > kMaxOutput) return ReadState::kTooMuch;
    output.append(piece.data(), static_cast<std::size_t>(count));
  }
}

// Reads until the program itself has ended: one that it left behind may keep the pipe open.
Result<std::string> read_until_end(const CallContext& context, int output_fd, const Child& child) {
  EventWait events;
  if (!events.valid()) return Error(ErrorCode::kUnavailable, "the system has no descriptor left");
  events.watch(output_fd, POLLIN);
  events.watch(child.ended_fd(), POLLIN);
  std::string output;
  for (;;) {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    bool ended = false;
    for (const EventWait::Ready& ready :
         events.wait(context.stop, std::chrono::steady_clock::now(), context.deadline)) {
      ended = ended || ready.fd == child.ended_fd();
    }
    const ReadState state = read_what_is_there(output_fd, output);
    if (state == ReadState::kTooMuch) {
      return Error(ErrorCode::kTooLarge, fmt::format("it prints more than {} bytes", kMaxOutput));
    }
    if (ended) return output;
    if (state == ReadState::kEnd) events.forget(output_fd);
  }
}

Error process_error(const Error& error, std::string_view profile) {
  // The caller's own end, not the program's fault.
  if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kDeadlineExceeded) return error;
  const ErrorCode code = error.code() == ErrorCode::kTooLarge ? ErrorCode::kMisconfigured : error.code();
  return Error(code, fmt::format("credential_process of the AWS profile \"{}\" gives no credentials: {}",
                                 printable(profile), error.message()))
      .with_reason("credential_process_failed")
      .with_remedy(
          "Run the command of credential_process by hand, as the user that imgimport runs as, and mend what it says; "
          "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
}

}  // namespace

Result<std::string> run_program(const CallContext& context, const std::vector<std::string>& words,
                                std::chrono::milliseconds limit) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Error(ErrorCode::kUnavailable, "the system has no descriptor left");
  const Descriptor output(ends[0]);
  Descriptor input(ends[1]);
  static_cast<void>(::fcntl(output.get(), F_SETFL, O_NONBLOCK));

  IMGIMPORT_ASSIGN_OR_RETURN(const pid_t pid, start_program(words, input.get()));
  Child child(pid);
  input.close();
  if (child.ended_fd() < 0) return cannot_start(errno);
  auto text = read_until_end(context.with_timeout(limit), output.get(), child);
  if (!text.has_value()) {
    Error error = std::move(text).error();
    const bool own_limit = error.code() == ErrorCode::kDeadlineExceeded && context.check().has_value();
    if (!own_limit) return error;
    return Error(ErrorCode::kUnavailable,
                 fmt::format("it is not done after {} s", std::chrono::ceil<std::chrono::seconds>(limit).count()));
  }
  const int status = child.reap();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return Error(ErrorCode::kMisconfigured, WIFEXITED(status) ? fmt::format("it ended with code {}", WEXITSTATUS(status))
                                                            : fmt::format("signal {} ended it", WTERMSIG(status)));
}

Result<AwsCredentials> parse_process_output(std::string_view output, Timestamp now) {
  auto document = parse_credentials_document(output);
  if (!document.has_value()) {
    return Error(ErrorCode::kMisconfigured, "what it prints cannot be read: " + std::move(document).error().message());
  }
  if (document->version != 1) return Error(ErrorCode::kMisconfigured, "what it prints has no \"Version\": 1");
  if (!document->complete()) {
    return Error(ErrorCode::kMisconfigured, "what it prints lacks AccessKeyId or SecretAccessKey");
  }
  const auto& expires_at = document->credentials.expires_at;
  if (expires_at && *expires_at <= now) return Error(ErrorCode::kMisconfigured, "what it prints has expired already");
  return std::move(document->credentials);
}

Result<AwsCredentials> credentials_from_process(const CallContext& context, std::string_view profile,
                                                std::string_view command_line, Timestamp now) {
  const auto words = split_command_line(command_line);
  if (!words || words->empty()) {
    return process_error(Error(ErrorCode::kMisconfigured, "a quote of the command line has no end"), profile);
  }
  auto output = run_program(context, *words, kProcessTime);
  if (!output.has_value()) return process_error(std::move(output).error(), profile);
  auto credentials = parse_process_output(*output, now);
  if (!credentials.has_value()) return process_error(std::move(credentials).error(), profile);
  return credentials;
}

}  // namespace imgimport
