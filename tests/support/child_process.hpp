// A program under test: started with an environment of its own, watched, killed, and never left behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace imgimport {

struct ChildOptions {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;  // all of it: nothing is inherited
  std::filesystem::path directory;                 // empty = the present one
};

// One thread. Standard output is read line by line; standard error goes to a file that error_output() reads.
class ChildProcess {
 public:
  explicit ChildProcess(const ChildOptions& options);
  // Kills it with SIGKILL if it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The next line without its end; nullopt: the output has ended, or `limit` has passed.
  std::optional<std::string> read_line(std::chrono::milliseconds limit);
  // All lines until the output ends.
  std::string read_all(std::chrono::milliseconds limit);

  void signal(int number);
  // The exit code; 128 + N when signal N ended it; nullopt: it still runs after `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit);

  // Peak resident set since the start, in KiB; 0 when it has ended.
  long peak_rss_kib() const;
  std::string error_output() const;
  pid_t pid() const noexcept { return pid_; }

 private:
  pid_t pid_ = -1;
  int pidfd_ = -1;
  int output_ = -1;
  std::string buffered_;
  std::filesystem::path error_file_;
  std::optional<int> exit_code_;
};

// SIGSTOP, and back only when each of its threads stands still: the signal itself returns before that. SIGCONT ends it.
void freeze_process(pid_t pid);

}  // namespace imgimport
