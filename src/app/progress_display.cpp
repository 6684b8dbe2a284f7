#include "app/progress_display.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "base/status_line.hpp"

namespace imgimport {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRedrawEvery{200};
constexpr std::chrono::seconds kPlainLineEvery{5};

std::size_t columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

ProgressDisplay::ProgressDisplay()
    : terminal_(isatty(STDERR_FILENO) != 0), shown_(terminal_ ? steady_clock::time_point() : steady_clock::now()) {}

void ProgressDisplay::show(const std::function<std::string()>& line) {
  const auto now = steady_clock::now();
  if (now - shown_ < (terminal_ ? steady_clock::duration(kRedrawEvery) : kPlainLineEvery)) return;
  shown_ = now;
  if (terminal_) {
    set_status_line(line().substr(0, columns()));
  } else {
    std::fprintf(stderr, "%s\n", line().c_str());
  }
}

void ProgressDisplay::note(const std::string& text) {
  if (text == noted_) return;
  noted_ = text;
  if (!text.empty()) print_above_status_line(text);
}

void ProgressDisplay::end() {
  if (terminal_) set_status_line({});
}

}  // namespace imgimport
