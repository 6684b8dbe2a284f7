#include "redis/client.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What a call that was called off waits for Redis to say so.
constexpr milliseconds kCallOff{250};
// A Redis that comes and goes is not told of more often than this.
constexpr milliseconds kTellEvery{10'000};

constexpr const char* kStartIt =
    "Start it, or set REDIS_URL to where it runs; what was accepted goes on by itself then";

bool is_the_callers(const Error& error) {
  return error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kDeadlineExceeded;
}

RedisCommand eval_command(std::string word, std::string script, const std::vector<std::string>& keys,
                          const std::vector<std::string>& arguments) {
  RedisCommand command{std::move(word), std::move(script), std::to_string(keys.size())};
  command.insert(command.end(), keys.begin(), keys.end());
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace

RedisClient::RedisClient(RedisOptions options) : options_(std::move(options)) {}
RedisClient::~RedisClient() = default;

// The error of a call whose connection cannot be used any more. What ran out of our own time, rather than the caller's,
// means that Redis does not answer.
Error RedisClient::lost(const CallContext& context, Error error) {
  const bool out_of_time = error.code() == ErrorCode::kDeadlineExceeded;
  if (is_the_callers(error) && !context.check().has_value()) {
    const std::lock_guard lock(mutex_);
    again_ = {};  // if it was the one that tried, it has found out nothing
    return error;
  }
  if (out_of_time) {
    error = Error(ErrorCode::kUnavailable, "Redis at " + options_.address.text() + " does not answer")
                .with_reason("redis_away");
  }
  if (error.remedy().empty()) error = std::move(error).with_remedy(kStartIt);
  went_away(error);
  return error;
}

Result<RedisClient::Connection> RedisClient::open(const CallContext& context) {
  auto opened = RedisConnection::open(context.with_timeout(options_.connect_timeout), options_.address, options_.tls);
  if (!opened.has_value()) return lost(context, std::move(opened).error());
  return opened;
}

Result<RedisClient::Connection> RedisClient::borrow(const CallContext& context) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  {
    const std::lock_guard lock(mutex_);
    while (!idle_.empty()) {
      Connection connection = std::move(idle_.back());
      idle_.pop_back();
      if (!connection->has_stirred()) return connection;
    }
    if (away_) {
      const auto now = steady_clock::now();
      if (now < again_) return *away_;
      // Nobody else tries before this one is done, or has had all the time that it may take.
      again_ = now + options_.connect_timeout + options_.command_timeout;
    }
  }
  return open(context);
}

void RedisClient::give_back(Connection connection) {
  const std::lock_guard lock(mutex_);
  if (!away_ && idle_.size() < options_.max_idle) idle_.push_back(std::move(connection));
}

void RedisClient::went_away(const Error& error) {
  std::vector<Connection> useless;
  {
    const std::lock_guard lock(mutex_);
    const auto now = steady_clock::now();
    useless.swap(idle_);
    again_ = now + backoff_delay(options_.reconnect, failures_++, random_jitter(), std::nullopt);
    const bool news = !away_ || away_->code() != error.code();
    away_ = error;
    if (!news || (told_ && now - *told_ < kTellEvery)) return;
    told_ = now;
    told_going_ = true;
  }
  const bool refuses = error.code() == ErrorCode::kMisconfigured;
  log_warning(refuses ? "Redis cannot be used; trying again" : "Redis is away; trying again",
              {{"redis", options_.address.text()}, {"error", error.message()}, {"remedy", error.remedy()}});
}

// A server that loads its data, or has become a replica, is as good as away: the next call should look for another.
// What it refuses for good, it refuses for this call alone.
void RedisClient::answered(const RedisConnection& connection, std::span<const RedisReply> replies) {
  for (const RedisReply& reply : replies) {
    if (!reply.is_error()) continue;
    const Error error = redis_error(reply.text);
    if (error.code() == ErrorCode::kUnavailable) return went_away(error);
  }
  bool tell = false;
  {
    const std::lock_guard lock(mutex_);
    away_.reset();
    failures_ = 0;
    tell = std::exchange(told_going_, false);
    if (server_id_ != connection.server_id()) server_id_ = connection.server_id();
  }
  if (tell) log_info("Redis is back", {{"redis", options_.address.text()}});
}

bool RedisClient::is_there() const {
  const std::lock_guard lock(mutex_);
  return !away_;
}

std::string RedisClient::server_id() const {
  const std::lock_guard lock(mutex_);
  return server_id_;
}

Result<std::vector<RedisReply>> RedisClient::pipeline(const CallContext& context,
                                                      std::span<const RedisCommand> commands) {
  IMGIMPORT_ASSIGN_OR_RETURN(Connection connection, borrow(context));
  const CallContext limited = context.with_timeout(options_.command_timeout);
  if (auto sent = connection->send(limited, commands); !sent.has_value()) {
    return lost(context, std::move(sent).error());
  }
  std::vector<RedisReply> replies;
  replies.reserve(commands.size());
  while (replies.size() < commands.size()) {
    auto reply = connection->receive(limited);
    if (!reply.has_value()) return lost(context, std::move(reply).error());
    replies.push_back(*std::move(reply));
  }
  answered(*connection, replies);
  give_back(std::move(connection));
  return replies;
}

Result<RedisReply> RedisClient::run(const CallContext& context, const RedisCommand& command) {
  IMGIMPORT_ASSIGN_OR_RETURN(std::vector<RedisReply> replies, pipeline(context, std::span(&command, 1)));
  if (replies.front().is_error()) return redis_error(replies.front().text);
  return std::move(replies.front());
}

Result<RedisReply> RedisClient::run_blocking(const CallContext& context, const RedisCommand& command,
                                             milliseconds block) {
  IMGIMPORT_ASSIGN_OR_RETURN(Connection connection, borrow(context));
  if (auto sent = connection->send(context.with_timeout(options_.command_timeout), std::span(&command, 1));
      !sent.has_value()) {
    return lost(context, std::move(sent).error());
  }
  auto reply = connection->receive(context.with_timeout(block + options_.command_timeout));
  if (!reply.has_value() && is_the_callers(reply.error()) && !context.check().has_value()) {
    Error ended = std::move(reply).error();
    const CallContext brief = CallContext{}.with_timeout(kCallOff);
    const RedisCommand unblock{"CLIENT", "UNBLOCK", std::to_string(connection->client_id())};
    if (connection->client_id() == 0 || !run(brief, unblock).has_value()) return ended;
    reply = connection->receive(brief);
    if (!reply.has_value()) return ended;
    answered(*connection, std::span(&*reply, 1));
    give_back(std::move(connection));
    if (reply->is_nil() || reply->is_error()) return ended;
    return reply;
  }
  if (!reply.has_value()) return lost(context, std::move(reply).error());
  answered(*connection, std::span(&*reply, 1));
  give_back(std::move(connection));
  if (reply->is_error()) return redis_error(reply->text);
  return reply;
}

// Empty: not known; the script is sent as text then.
std::string RedisClient::known_hash(const CallContext& context, const RedisScript& script) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = hashes_.find(script.source.data()); found != hashes_.end()) return found->second;
  }
  auto replies = pipeline(context, std::vector<RedisCommand>{{"SCRIPT", "LOAD", std::string(script.source)}});
  if (!replies.has_value() || replies->front().kind != RedisReply::Kind::kText) return {};
  const std::lock_guard lock(mutex_);
  return hashes_[script.source.data()] = replies->front().text;
}

Result<RedisReply> RedisClient::eval(const CallContext& context, const RedisScript& script,
                                     const std::vector<std::string>& keys, const std::vector<std::string>& arguments) {
  std::string hash = known_hash(context, script);
  if (!hash.empty()) {
    auto reply = run(context, eval_command("EVALSHA", std::move(hash), keys, arguments));
    if (reply.has_value() || reply.error().reason() != "no_script") return reply;
  }
  return run(context, eval_command("EVAL", std::string(script.source), keys, arguments));
}

}  // namespace imgimport
