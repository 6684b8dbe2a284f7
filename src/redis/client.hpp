// Redis for all threads of this process: a pool of connections, one view of whether Redis is there, scripts.
//
// While Redis is away, calls fail at once, and now and then one of them tries to connect: after a back-off that grows
// to a second at most, so that the work goes on soon after Redis is back. One line is logged when it goes and one when
// it comes back, whatever the number of callers.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/backoff.hpp"
#include "base/socket_stream.hpp"
#include "imgimport/call_context.hpp"
#include "imgimport/result.hpp"
#include "redis/connection.hpp"
#include "redis/redis_url.hpp"
#include "redis/reply.hpp"

namespace imgimport {

struct RedisOptions {
  RedisAddress address;
  std::chrono::milliseconds connect_timeout{1'000};  // until the database is selected
  std::chrono::milliseconds command_timeout{1'000};  // of one that does not block
  BackoffPolicy reconnect{std::chrono::milliseconds(50), std::chrono::milliseconds(1'000)};
  std::size_t max_idle = 8;  // connections kept while nobody uses them; as many as are needed are opened
  MakeSocketStream tls;      // for rediss://
};

// Lua that runs in Redis, as one step for all who watch. https://redis.io/docs/latest/develop/programmability/
struct RedisScript {
  std::string_view source;  // REQUIRES: lives as long as the program, e.g. a literal
};

// Threading: all methods from any thread; each holds a connection of its own meanwhile.
//
// Errors of all calls: kUnavailable (Redis is away, or not ready: reason "redis_away" or "redis_not_ready"),
// kMisconfigured (reply.hpp), kCancelled and kDeadlineExceeded of the context. Nothing is sent twice: after an error
// of the connection it is not known whether the command was run.
class RedisClient {
 public:
  explicit RedisClient(RedisOptions options);
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  // What Redis refuses is an Error.
  Result<RedisReply> run(const CallContext& context, const RedisCommand& command);

  // All of them in one round trip. What Redis refuses is an error reply in its place.
  Result<std::vector<RedisReply>> pipeline(const CallContext& context, std::span<const RedisCommand> commands);

  // A command that Redis answers after at most `block`. One that is stopped, or runs out of time, is called off; an
  // answer that was on its way already is returned all the same, so that nothing is handed out and lost.
  Result<RedisReply> run_blocking(const CallContext& context, const RedisCommand& command,
                                  std::chrono::milliseconds block);

  // By its hash where Redis knows it already.
  Result<RedisReply> eval(const CallContext& context, const RedisScript& script, const std::vector<std::string>& keys,
                          const std::vector<std::string>& arguments);

  // Whether the last call found it. True at first.
  bool is_there() const;
  // Of the server process that was connected to last; see RedisConnection.
  std::string server_id() const;
  const RedisAddress& address() const noexcept { return options_.address; }

 private:
  using Connection = std::unique_ptr<RedisConnection>;

  Result<Connection> borrow(const CallContext& context);
  Result<Connection> open(const CallContext& context);
  void give_back(Connection connection);
  void went_away(const Error& error);
  void answered(const RedisConnection& connection, std::span<const RedisReply> replies);
  Error lost(const CallContext& context, Error error);
  std::string known_hash(const CallContext& context, const RedisScript& script);

  const RedisOptions options_;
  mutable std::mutex mutex_;                                   // never held across I/O
  std::vector<Connection> idle_;                               // guarded by mutex_; the last one was used last
  std::optional<Error> away_;                                  // guarded by mutex_: why; nullopt: it is there
  std::int32_t failures_ = 0;                                  // guarded by mutex_: in a row
  std::chrono::steady_clock::time_point again_;                // guarded by mutex_: when somebody may try next
  std::optional<std::chrono::steady_clock::time_point> told_;  // guarded by mutex_: when its going was logged last
  bool told_going_ = false;                                    // guarded by mutex_: that it is away now was logged
  std::string server_id_;                                      // guarded by mutex_
  std::map<const char*, std::string> hashes_;  // guarded by mutex_: of scripts, by where their source lies
};

}  // namespace imgimport
