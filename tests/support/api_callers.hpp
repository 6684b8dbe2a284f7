// Clients of a gateway that ask all the time, while a test kills or restarts what is behind it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "imgimport/http_client.hpp"

namespace imgimport {

struct ApiCall {
  HttpMethod method = HttpMethod::kGet;
  std::string path;
  std::string body;  // of a POST, each of which has an Idempotency-Key of its own
};

// What a client does whose call was answered 503 or 504, or not at all.
enum class OnFailure : std::uint8_t {
  kGoOn = 1,    // with its next call
  kRepeatOnce,  // when the test says so: repeat_what_failed()
};

class ApiCallers {
 public:
  struct Options {
    std::string url;  // of the gateway, which keeps it over restarts
    std::vector<ApiCall> calls;
    std::size_t threads = 2;
    OnFailure on_failure = OnFailure::kGoOn;
    // What each call says that it may take (X-Deadline-Ms). One without an answer well after that hangs.
    std::chrono::milliseconds deadline{8'000};
    std::chrono::milliseconds pause{10};  // between two calls of one client
  };

  explicit ApiCallers(Options options);
  ~ApiCallers();
  ApiCallers(const ApiCallers&) = delete;
  ApiCallers& operator=(const ApiCallers&) = delete;

  // kRepeatOnce: lets those that wait repeat their call now. Returns when nobody waits and each client has had an
  // answer since.
  void repeat_what_failed();

  // Returns when every call that was under way has ended, and one more of each client.
  void await_a_turn();

  // Ends them, and says what was wrong: calls that hung, that were answered by another status than 2xx, 503 or 504, or
  // (kRepeatOnce) that failed twice. Empty = nothing.
  std::string stop();
  std::size_t answered() const;  // with 2xx
  std::size_t failed() const;    // 503, 504 or no answer; the first time, where it was repeated

 private:
  enum class Outcome : std::uint8_t { kGood = 1, kFailed, kWrong };
  void run(const std::stop_token& stop, std::size_t number);
  Outcome call(const std::stop_token& stop, const ApiCall& what, const std::string& key, std::string& said);
  void complain(const std::string& what);
  bool wait_for_repeat(const std::stop_token& stop);
  void await_turns(std::unique_lock<std::mutex>& lock, std::uint64_t turns, bool repeating);

  const Options options_;
  const std::unique_ptr<HttpClient> http_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::set<std::string> complaints_;       // guarded by mutex_
  std::size_t answered_ = 0;               // guarded by mutex_
  std::size_t failed_ = 0;                 // guarded by mutex_
  std::size_t waiting_ = 0;                // guarded by mutex_
  std::uint64_t repeats_ = 0;              // guarded by mutex_: how often repeating was allowed
  std::vector<std::uint64_t> calls_done_;  // guarded by mutex_: by client
  std::vector<std::jthread> threads_;
};

}  // namespace imgimport
