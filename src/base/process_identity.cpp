#include "base/process_identity.hpp"

#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/random.hpp"

namespace imgimport {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string link_target(const char* path) {
  std::array<char, 256> target;
  const ssize_t length = readlink(path, target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : std::string();
}

// Machine and pid namespace: two processes with the same value see each other's pids.
std::string neighbourhood() {
  return first_line("/proc/sys/kernel/random/boot_id") + "/" + link_target("/proc/self/ns/pid");
}

// Field 22 of /proc/PID/stat, in clock ticks since boot (man 5 proc). nullopt: no such process, or a zombie.
std::optional<std::string> start_time(const std::string& pid) {
  const std::string line = first_line("/proc/" + pid + "/stat");
  const std::size_t after_name = line.rfind(')');  // the name in parentheses may hold anything
  if (after_name == std::string::npos) return std::nullopt;
  std::size_t at = after_name + 1;
  for (int field = 3; field <= 22; ++field) {
    at = line.find_first_not_of(' ', at);
    if (at == std::string::npos) return std::nullopt;
    const std::size_t end = line.find(' ', at);
    if (field == 3 && (line[at] == 'Z' || line[at] == 'X')) return std::nullopt;
    if (field == 22) return line.substr(at, end - at);
    at = end;
  }
  return std::nullopt;
}

}  // namespace

std::string process_identity() {
  static const std::string identity = [] {
    const std::string pid = std::to_string(getpid());
    // Without /proc the identity is only unique, and nobody can tell that it has ended.
    return neighbourhood() + "/" + pid + "/" + start_time(pid).value_or("?" + random_token(8));
  }();
  return identity;
}

bool has_certainly_ended(std::string_view identity) {
  const std::size_t last = identity.rfind('/');
  if (last == std::string_view::npos || last == 0) return false;
  const std::size_t before = identity.rfind('/', last - 1);
  if (before == std::string_view::npos) return false;
  const std::string here = neighbourhood();
  if (here.size() < 10 || identity.substr(0, before) != here) return false;
  const std::string pid(identity.substr(before + 1, last - before - 1));
  const std::string_view started = identity.substr(last + 1);
  if (pid.empty() || pid.find_first_not_of("0123456789") != std::string::npos || started.starts_with("?")) return false;
  return start_time(pid) != std::string(started);
}

}  // namespace imgimport
