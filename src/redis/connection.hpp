// One connection to Redis. Used by one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/event_wait.hpp"
#include "base/socket_stream.hpp"
#include "imgimport/call_context.hpp"
#include "imgimport/result.hpp"
#include "redis/redis_url.hpp"
#include "redis/reply.hpp"

namespace imgimport {

// A command and its arguments, as bytes.
using RedisCommand = std::vector<std::string>;

class RedisConnection {
 public:
  // Connects, authenticates and selects the database. `tls` may be empty where the address does without.
  static Result<std::unique_ptr<RedisConnection>> open(const CallContext& context, const RedisAddress& address,
                                                       const MakeSocketStream& tls);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  // Errors of these two are those of the connection, kCancelled and kDeadlineExceeded; what Redis refuses is a reply.
  // After a receive that was cancelled or ran out of time, receive may be called again for the rest; after a send that
  // failed, or a connection that broke, nothing may.
  Result<void> send(const CallContext& context, std::span<const RedisCommand> commands);
  // REQUIRES: a command was sent whose reply was not received yet
  Result<RedisReply> receive(const CallContext& context);

  // Whether a connection that is not in use has something to read: its end, most likely.
  bool has_stirred() const noexcept;

  // Of the server process: another one after each restart. Empty where Redis does not tell.
  const std::string& server_id() const noexcept { return server_id_; }
  // By which another connection can unblock this one; 0 where Redis does not tell.
  std::int64_t client_id() const noexcept { return client_id_; }

 private:
  class Reader;

  RedisConnection();
  Result<void> connect(const CallContext& context, const RedisAddress& address, const MakeSocketStream& tls);
  Result<void> greet(const CallContext& context, const RedisAddress& address);
  Result<void> wait(const CallContext& context, SocketStream::State state);

  EventWait events_;
  std::unique_ptr<SocketStream> stream_;
  std::unique_ptr<Reader> reader_;
  std::string server_id_;
  std::int64_t client_id_ = 0;
};

}  // namespace imgimport
