// A coroutine that another one awaits: how a connection's steps are written one after the other although each waits for
// the network. Nothing of Asio in it, so that the protocol is compiled without Asio.
//
// Threading: all coroutines of a connection run on its io thread.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace imgimport {

namespace task_detail {

struct PromiseBase {
  std::coroutine_handle<> continuation;
  bool awaited = false;  // the awaiting coroutine has been suspended, and is to be resumed at the end
  std::exception_ptr failure;

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      const PromiseBase& promise = ended.promise();
      return promise.awaited ? promise.continuation : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  void return_value(T result) { value = std::move(result); }
  T take() { return *std::move(value); }
};
template <>
struct Promise<void> : PromiseBase {
  void return_void() const noexcept {}
  void take() const noexcept {}
};

}  // namespace task_detail

template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type : task_detail::Promise<T> {
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
  };
  Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  // Runs it at once, up to its first wait; without one, the awaiting coroutine is not suspended at all.
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    coroutine_.promise().continuation = awaiting;
    coroutine_.resume();
    if (coroutine_.done()) return false;
    coroutine_.promise().awaited = true;
    return true;
  }
  T await_resume() {
    if (coroutine_.promise().failure) std::rethrow_exception(coroutine_.promise().failure);
    return coroutine_.promise().take();
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}
  std::coroutine_handle<promise_type> coroutine_;
};

// The outermost coroutine: begins at once, owns itself, and must not throw.
struct DetachedTask {
  struct promise_type {
    DetachedTask get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

}  // namespace imgimport
