#include "storage/local/posix_file.hpp"

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

namespace imgimport {
namespace {

// Where the kernel has no openat2 (before 5.6), or a container's filter forbids it: one segment after the other.
UniqueFd open_step_by_step(int folder, std::string_view path, int flags) {
  UniqueFd owner;
  int at = folder;
  for (;;) {
    const std::size_t slash = path.find('/');
    const std::string segment(path.substr(0, slash));
    if (slash == std::string_view::npos) return UniqueFd(::openat(at, segment.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
    UniqueFd next(::openat(at, segment.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return next;
    owner = std::move(next);
    at = owner.get();
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

UniqueFd open_beneath(int folder, std::string_view path, int flags) {
  static std::atomic<bool> has_openat2{true};
  if (has_openat2.load(std::memory_order_relaxed)) {
    open_how how{};
    how.flags = static_cast<unsigned>(flags) | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const long fd = ::syscall(SYS_openat2, folder, std::string(path).c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    // Older container runtimes answer EPERM to system calls that they do not know.
    if (errno != ENOSYS && errno != EPERM) return UniqueFd();
    if (errno == ENOSYS) has_openat2.store(false, std::memory_order_relaxed);
  }
  return open_step_by_step(folder, path, flags);
}

int write_all(int fd, std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

Error file_error(int error_number, std::string_view what) {
  std::string message(what);
  message.append(": ").append(std::generic_category().message(error_number));
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Error(ErrorCode::kOutOfSpace, std::move(message))
          .with_reason("out_of_space")
          .with_remedy(
              "Free space (or raise the quota) on the disk that DATA_DIR lies on, then retry the job, or run the same "
              "import again.");
    case EROFS:
      return Error(ErrorCode::kMisconfigured, std::move(message))
          .with_reason("read_only")
          .with_remedy(
              "Mount the file system of DATA_DIR read-write, or set DATA_DIR to a folder that can be written to.");
    case EACCES:
    case EPERM:
      return Error(ErrorCode::kMisconfigured, std::move(message))
          .with_reason("no_permission")
          .with_remedy("Give the user that imgimport runs as the right to write to DATA_DIR, or set another DATA_DIR.");
    case EMFILE:
    case ENFILE:
      return Error(ErrorCode::kUnavailable, std::move(message))
          .with_reason("too_many_open_files")
          .with_remedy("Raise the limit of open files (ulimit -n) or lower WORKER_THREADS.");
    case ELOOP:
      return Error(ErrorCode::kConflict, std::move(message))
          .with_reason("symbolic_link")
          .with_remedy("Remove the symbolic link below DATA_DIR/objects: objects are plain files in plain folders.");
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
    case EEXIST:
      return Error(ErrorCode::kConflict, std::move(message)).with_reason("name_taken");
    default:
      return Error(ErrorCode::kUnavailable, std::move(message));
  }
}

}  // namespace imgimport
