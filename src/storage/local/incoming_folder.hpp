// Where half-written objects live until they are whole: DATA_DIR/incoming/<instance>/, one folder for each running
// process, with a locked file in it that says that the process is alive. Folders of dead processes are removed.
//
// Threading: create_file from any thread; open and destruction by one.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "imgimport/result.hpp"
#include "storage/local/posix_file.hpp"

namespace imgimport {

class IncomingFolder {
 public:
  // Makes an own folder below `parent` (which exists), and removes those that no living process holds.
  static Result<std::unique_ptr<IncomingFolder>> open(const std::filesystem::path& parent);
  // Removes the own folder with all that is left in it.
  ~IncomingFolder();
  IncomingFolder(const IncomingFolder&) = delete;
  IncomingFolder& operator=(const IncomingFolder&) = delete;

  int fd() const noexcept { return folder_.get(); }

  // A new, empty file. `fd` is -1 on failure, with errno set.
  struct File {
    std::string name;
    UniqueFd fd;
  };
  File create_file();

 private:
  IncomingFolder(std::filesystem::path path, UniqueFd folder, UniqueFd lock);

  const std::filesystem::path path_;
  const UniqueFd folder_;
  const UniqueFd lock_;
  std::atomic<std::uint64_t> next_name_{0};
};

}  // namespace imgimport
