#include "base/status_line.hpp"

#include <cstdio>
#include <mutex>
#include <string>

namespace imgimport {
namespace {

constexpr std::string_view kErase = "\r\033[K";

struct StatusLine {
  std::mutex mutex;
  std::string text;  // guarded by mutex
};

StatusLine& status_line() {
  static StatusLine line;
  return line;
}

void write(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

void set_status_line(std::string_view line) {
  StatusLine& status = status_line();
  const std::scoped_lock lock(status.mutex);
  if (line.empty() && status.text.empty()) return;
  status.text = line;
  write(std::string(kErase) + status.text);
}

void print_above_status_line(const std::function<void()>& print) {
  StatusLine& status = status_line();
  const std::scoped_lock lock(status.mutex);
  if (!status.text.empty()) write(kErase);
  print();
  if (!status.text.empty()) write(status.text);
}

void print_above_status_line(std::string_view line) {
  print_above_status_line([&] { write(std::string(line) + "\n"); });
}

}  // namespace imgimport
