// What LocalStore needs of POSIX and Linux: descriptors with an owner, paths that cannot lead out of a folder, and
// errno as an Error.
#pragma once

#include <fcntl.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "imgimport/result.hpp"

namespace imgimport {

// Owns a file descriptor; -1 = none.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() { static_cast<void>(close()); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  // 0, or the errno that close() reported (a network file system may find out only now that it is full).
  int close() noexcept;

 private:
  int fd_ = -1;
};

// Opens `path` below the folder `folder`, refusing every symbolic link on the way, so that nothing outside is reached.
// On failure: no descriptor, and errno is set (ELOOP: a link; ENOTDIR: a file in place of a folder).
// REQUIRES: path is relative, without "." and ".." segments
UniqueFd open_beneath(int folder, std::string_view path, int flags);

// Writes all; 0 or an errno.
int write_all(int fd, std::span<const std::byte> bytes) noexcept;

// Translates errno. `what` names the action and its object: "write object a/b.jpg".
// kOutOfSpace, kMisconfigured (no right, read-only), kUnavailable (an I/O error and all that is not known better),
// kConflict (a folder where a file is wanted or the reverse).
Error file_error(int error_number, std::string_view what);

}  // namespace imgimport
