#include "base/event_wait.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace imgimport {
namespace {

int poll_timeout(std::chrono::steady_clock::time_point now, std::chrono::steady_clock::time_point until) {
  if (until == std::chrono::steady_clock::time_point::max()) return -1;
  if (until <= now) return 0;
  // Rounded up, or the last millisecond would be spent in a busy loop.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max()));
}

}  // namespace

EventWait::EventWait() : polled_{{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), POLLIN, 0}} {
  polled_.reserve(4);
  ready_.reserve(4);
}

EventWait::~EventWait() {
  if (valid()) ::close(polled_.front().fd);
}

void EventWait::watch(int fd, short events) {
  for (std::size_t i = 1; i < polled_.size(); ++i) {
    if (polled_[i].fd != fd) continue;
    polled_[i].events = events;
    return;
  }
  polled_.push_back({fd, events, 0});
}

void EventWait::forget(int fd) noexcept {
  for (std::size_t i = 1; i < polled_.size(); ++i) {
    if (polled_[i].fd != fd) continue;
    polled_.erase(polled_.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

int EventWait::reading_socket() const noexcept {
  for (std::size_t i = 1; i < polled_.size(); ++i) {
    if ((polled_[i].events & POLLIN) != 0) return polled_[i].fd;
  }
  return -1;
}

const std::vector<EventWait::Ready>& EventWait::wait(const std::stop_token& stop,
                                                     std::chrono::steady_clock::time_point now,
                                                     std::chrono::steady_clock::time_point until) {
  ready_.clear();
  const int wake_fd = polled_.front().fd;
  // Registered for the wait alone: work that never waits pays nothing for being stoppable.
  const std::stop_callback wake(stop, [wake_fd] { static_cast<void>(::eventfd_write(wake_fd, 1)); });
  if (::poll(polled_.data(), polled_.size(), poll_timeout(now, until)) <= 0) return ready_;
  if (polled_.front().revents != 0) {
    eventfd_t count = 0;
    static_cast<void>(::eventfd_read(wake_fd, &count));
  }
  for (std::size_t i = 1; i < polled_.size(); ++i) {
    if (polled_[i].revents != 0) ready_.push_back({polled_[i].fd, polled_[i].revents});
  }
  return ready_;
}

}  // namespace imgimport
