// A connection's bytes and its time: plain TCP or TLS, one read and one write under way at most, and a deadline that a
// coarse tick looks at. What the bytes mean is the session's affair.
//
// A read may be under way while anything else is waited for, which is how a client that leaves is noticed; what it
// brings early stays in the buffer.
//
// Threading: on its io thread only.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "http_server/io_thread.hpp"
#include "http_server/task.hpp"

struct ssl_ctx_st;

namespace imgimport {

struct ConnectionOptions {
  int fd = -1;
  bool is_v6 = false;
  ssl_ctx_st* tls = nullptr;            // nullptr: plain
  std::size_t max_buffered = 64 << 10;  // a head must fit into it
  std::chrono::milliseconds write_timeout{60'000};
};

class Connection {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Throws; the descriptor is the caller's then.
  Connection(IoThread& io, const ConnectionOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // TLS only. false: there is no connection.
  Task<bool> handshake(std::chrono::milliseconds limit);

  // What has been read and not consumed.
  std::string_view unread() const noexcept;
  void consume(std::size_t bytes) noexcept;
  // Begins a read unless one is under way, or there is no room.
  void start_read();
  // Waits for bytes; false when none came: the client has ended, the deadline has passed, hang_up() was called, or
  // there is no room.
  Task<bool> read_more();
  // Makes room for large reads; what one request needed is given back with shrink().
  void grow(std::size_t bytes);
  void shrink();

  // Returns when the kernel has taken all; false: the connection is gone.
  Task<bool> write(std::string_view first, std::string_view second = {});
  // Ends our side and reads on until the client has ended its own: closing with unread bytes would reset the connection
  // and take the answer away from a client that is still sending.
  Task<void> linger();

  // Waits for the next thing that happens: a read has ended, the deadline has passed, or somebody called notify().
  // REQUIRES: nobody else waits
  struct Event {
    Connection& connection;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const noexcept;
    void await_resume() const noexcept {}
  };
  Event event() noexcept { return {*this}; }
  void notify();

  void set_deadline(std::chrono::milliseconds from_now);
  void clear_deadline() noexcept;
  bool has_deadline() const noexcept;
  void on_tick(SteadyTime now);
  bool timed_out() const noexcept;

  // Ends a wait for the next request.
  void hang_up();
  // The client gets a reset.
  void reset();
  void close();
  // A reset from outside; whatever is waited for ends.
  void cut_off();

  bool ended() const noexcept;  // the client sends no more
  bool lost() const noexcept;   // there is nobody to write to

 private:
  struct State;
  const std::shared_ptr<State> state_;  // shared with the operations under way
};

}  // namespace imgimport
