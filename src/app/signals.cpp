#include "app/signals.hpp"

#include <signal.h>
#include <time.h>

#include <atomic>
#include <thread>

namespace imgimport {
namespace {

constexpr std::chrono::milliseconds kLookEvery{20};

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void block_signals() {
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

void wait_for_signal() {
  const sigset_t set = ending_signals();
  int received = 0;
  while (sigwait(&set, &received) != 0) {
  }
}

bool signal_within(std::chrono::milliseconds limit) {
  const sigset_t set = ending_signals();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
  timespec wait{};
  wait.tv_sec = seconds.count();
  wait.tv_nsec = std::chrono::nanoseconds(limit - seconds).count();
  return sigtimedwait(&set, nullptr, &wait) > 0;
}

void let_signals_kill() {
  const sigset_t set = ending_signals();
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

bool run_until_signal(const std::function<void(const std::stop_token&)>& work) {
  std::atomic<bool> ended{false};
  std::jthread runner([&](const std::stop_token& stop) {
    work(stop);
    ended = true;
  });
  bool asked = false;
  while (!ended && !asked) asked = signal_within(kLookEvery);
  if (asked) {
    runner.request_stop();
    let_signals_kill();
  }
  runner.join();
  return asked;
}

}  // namespace imgimport
