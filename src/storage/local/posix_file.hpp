// What stores on a local disk need of POSIX and Linux: paths that cannot lead out of a folder, and errno as an Error.
#pragma once

#include <fcntl.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

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
