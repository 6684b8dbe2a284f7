// Waiting for sockets, and for somebody who wants the waiting to end.
#pragma once

#include <poll.h>

#include <chrono>
#include <stop_token>
#include <vector>

namespace imgimport {

// The sockets that one piece of work is interested in. Used by one thread at a time; a stop request may come from any.
class EventWait {
 public:
  struct Ready {
    int fd;
    short events;  // POLLIN, POLLOUT, POLLERR, POLLHUP
  };

  EventWait();
  ~EventWait();
  EventWait(const EventWait&) = delete;
  EventWait& operator=(const EventWait&) = delete;

  // Whether the system had a descriptor left for it.
  bool valid() const noexcept { return polled_.front().fd >= 0; }
  void watch(int fd, short events);
  void forget(int fd) noexcept;
  // A socket whose input is waited for; -1 when there is none.
  int reading_socket() const noexcept;

  // Blocks until a socket is ready, `until` has passed or a stop is requested. The ready sockets, valid until the next
  // call; empty in the other two cases.
  const std::vector<Ready>& wait(const std::stop_token& stop, std::chrono::steady_clock::time_point now,
                                 std::chrono::steady_clock::time_point until);

 private:
  std::vector<pollfd> polled_;  // the first is an eventfd, written to by a stop request
  std::vector<Ready> ready_;
};

}  // namespace imgimport
