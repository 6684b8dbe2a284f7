#include "storage/local/incoming_folder.hpp"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "base/random.hpp"

namespace imgimport {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLockName = "lock";

// Opens and locks the folder's lock file. A descriptor is returned only if the lock is ours and the file is still in
// its place: another process may have taken the folder for a dead one's between our making and our locking it.
Result<UniqueFd> lock_folder(int folder) {
  UniqueFd lock(::openat(folder, kLockName, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!lock) {
    if (errno == ENOENT) return UniqueFd();
    return file_error(errno, "create a lock file");
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK || errno == EINTR) return UniqueFd();
    return Error(ErrorCode::kMisconfigured, "lock a file: " + std::generic_category().message(errno))
        .with_reason("no_file_locks")
        .with_remedy("Set DATA_DIR to a file system that supports file locks.");
  }
  struct stat status {};
  if (::fstat(lock.get(), &status) != 0 || status.st_nlink == 0) return UniqueFd();
  return lock;
}

// The lock goes last, so that no other process takes the folder in the middle.
void remove_folder(const fs::path& path, int folder) {
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator it(path, ignored), end; !ignored && it != end; it.increment(ignored)) {
    if (it->path().filename() != kLockName) leftovers.push_back(it->path());
  }
  for (const fs::path& leftover : leftovers) fs::remove_all(leftover, ignored);
  ::unlinkat(folder, kLockName, 0);
  ::rmdir(path.c_str());
}

// What cannot be looked at or removed is left for the next start: it takes space, and harms nothing else.
void remove_dead_folders(const fs::path& parent) {
  std::error_code ignored;
  std::vector<fs::path> folders;
  for (fs::directory_iterator it(parent, ignored), end; !ignored && it != end; it.increment(ignored)) {
    std::error_code type_error;
    if (it->symlink_status(type_error).type() == fs::file_type::directory) folders.push_back(it->path());
  }
  for (const fs::path& path : folders) {
    const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) continue;
    const auto lock = lock_folder(folder.get());
    if (lock.has_value() && *lock) remove_folder(path, folder.get());
  }
}

}  // namespace

IncomingFolder::IncomingFolder(fs::path path, UniqueFd folder, UniqueFd lock)
    : path_(std::move(path)), folder_(std::move(folder)), lock_(std::move(lock)) {}

IncomingFolder::~IncomingFolder() {
  remove_folder(path_, folder_.get());
}

Result<std::unique_ptr<IncomingFolder>> IncomingFolder::open(const fs::path& parent) {
  remove_dead_folders(parent);
  // A handful of processes that start at once may each take the other's new folder for a dead one's.
  constexpr int kTries = 32;
  for (int i = 0; i < kTries; ++i) {
    fs::path path = parent / random_uuid();
    if (::mkdir(path.c_str(), 0755) != 0) return file_error(errno, "create folder " + path.string());
    UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) {
      if (errno == ENOENT) continue;
      return file_error(errno, "open folder " + path.string());
    }
    IMGIMPORT_ASSIGN_OR_RETURN(UniqueFd lock, lock_folder(folder.get()));
    if (!lock) continue;
    // The first bytes written show a full disk now rather than at the first image.
    const std::string process = std::to_string(::getpid()) + "\n";
    if (const int error = write_all(lock.get(), std::as_bytes(std::span(process))); error != 0) {
      remove_folder(path, folder.get());
      return file_error(error, "write to " + path.string());
    }
    return std::unique_ptr<IncomingFolder>(new IncomingFolder(std::move(path), std::move(folder), std::move(lock)));
  }
  return Error(ErrorCode::kUnavailable, "no folder of our own could be had below " + parent.string());
}

IncomingFolder::File IncomingFolder::create_file() {
  File file;
  file.name = std::to_string(next_name_.fetch_add(1, std::memory_order_relaxed));
  file.fd = UniqueFd(::openat(folder_.get(), file.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  return file;
}

}  // namespace imgimport
