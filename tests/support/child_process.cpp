#include "support/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>

namespace imgimport {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

int remaining(steady_clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

std::filesystem::path fresh_error_file() {
  static std::atomic<int> count{0};
  return std::filesystem::temp_directory_path() /
         ("imgimport-test-" + std::to_string(getpid()) + "-" + std::to_string(++count) + ".stderr");
}

}  // namespace

ChildProcess::ChildProcess(const ChildOptions& options) : error_file_(fresh_error_file()) {
  std::vector<std::string> words{options.program.string()};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> variables;
  for (const auto& [name, value] : options.environment) variables.push_back(name + "=" + value);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);
  const std::string directory = options.directory.string();

  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  pid_ = fork();
  if (pid_ == 0) {
    if (!directory.empty() && chdir(directory.c_str()) != 0) _exit(126);
    dup2(pipe_ends[1], STDOUT_FILENO);
    const int errors = open(error_file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    dup2(errors, STDERR_FILENO);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(pipe_ends[1]);
  output_ = pipe_ends[0];
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
}

ChildProcess::~ChildProcess() {
  if (!exit_code_) {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(output_);
  close(pidfd_);
  std::error_code ignored;
  std::filesystem::remove(error_file_, ignored);
}

std::optional<std::string> ChildProcess::read_line(milliseconds limit) {
  const auto deadline = steady_clock::now() + limit;
  for (;;) {
    if (const std::size_t end = buffered_.find('\n'); end != std::string::npos) {
      std::string line = buffered_.substr(0, end);
      buffered_.erase(0, end + 1);
      return line;
    }
    pollfd waiting{output_, POLLIN, 0};
    if (poll(&waiting, 1, remaining(deadline)) <= 0) return std::nullopt;
    std::array<char, 4096> piece;
    const ssize_t count = read(output_, piece.data(), piece.size());
    if (count <= 0) return std::nullopt;
    buffered_.append(piece.data(), static_cast<std::size_t>(count));
  }
}

std::string ChildProcess::read_all(milliseconds limit) {
  std::string text;
  while (const auto line = read_line(limit)) text += *line + "\n";
  return text + buffered_;
}

void ChildProcess::signal(int number) {
  ::kill(pid_, number);
}

std::optional<int> ChildProcess::wait(milliseconds limit) {
  if (exit_code_) return exit_code_;
  pollfd ended{pidfd_, POLLIN, 0};
  if (poll(&ended, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

long ChildProcess::peak_rss_kib() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::atol(line.c_str() + 6);
  }
  return 0;
}

std::string ChildProcess::error_output() const {
  std::ifstream file(error_file_);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

namespace {

bool is_frozen(const std::filesystem::path& thread) {
  std::ifstream file(thread / "stat");
  std::string stat;
  // "pid (name) state …", where the name may hold anything.
  if (!std::getline(file, stat)) return true;  // it has ended
  const std::size_t state = stat.rfind(')') + 2;
  return state < stat.size() && (stat[state] == 'T' || stat[state] == 'Z');
}

}  // namespace

void freeze_process(pid_t pid) {
  ::kill(pid, SIGSTOP);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const std::filesystem::path threads = std::filesystem::path("/proc") / std::to_string(pid) / "task";
  std::error_code failed;
  for (bool all = false; !all && std::chrono::steady_clock::now() < deadline; std::this_thread::yield()) {
    all = true;
    for (const auto& thread : std::filesystem::directory_iterator(threads, failed))
      all = all && is_frozen(thread.path());
  }
}

}  // namespace imgimport
