// One thread and all the connections on it. A connection lives on one of them for good, so that nothing of it is
// shared: there are no strands, and what comes from elsewhere (an answer, a piece of a body, a stop) is posted.
#pragma once

#include <atomic>
#include <cstddef>
#include <ctime>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>

namespace boost::asio {
class io_context;
}

namespace imgimport {

class Session;

class IoThread : public std::enable_shared_from_this<IoThread> {
 public:
  IoThread();
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  boost::asio::io_context& context() noexcept { return *context_; }
  void start(std::size_t index);
  // Ends the thread; from then on nothing is taken any more. REQUIRES: no session is left
  void join();

  // From any thread. A task that comes too late is destroyed.
  void post(std::function<void()> task);
  bool runs_here() const noexcept { return id_.load() == std::this_thread::get_id(); }

  // On this thread only.
  void add(Session& session);
  void remove(Session& session) { sessions_.erase(&session); }
  const std::unordered_set<Session*>& sessions() const noexcept { return sessions_; }
  // For the Date header; made once a second. Valid until the next call: no coroutine keeps it over a suspension.
  std::string_view date();

 private:
  struct Tick;
  void tick();

  std::unique_ptr<boost::asio::io_context> context_;
  std::unique_ptr<Tick> tick_;
  std::thread thread_;
  std::atomic<std::thread::id> id_{};
  std::mutex mutex_;
  bool closed_ = false;  // guarded by mutex_

  // This thread only.
  std::unordered_set<Session*> sessions_;
  bool ticking_ = false;
  std::time_t date_time_ = 0;
  std::string date_;
};

}  // namespace imgimport
