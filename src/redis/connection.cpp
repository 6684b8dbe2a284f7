#include "redis/connection.hpp"

#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "redis/resolver.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kReadPiece = 16 << 10;

Error broken(const std::string& what) {
  return Error(ErrorCode::kUnavailable, "the connection to Redis broke: " + what).with_reason("redis_away");
}

// hiredis 0.14 takes the arguments' addresses and lengths, and gives its own memory back.
Result<void> append(std::string& wire, const RedisCommand& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> lengths;
  words.reserve(command.size());
  lengths.reserve(command.size());
  for (const std::string& word : command) {
    words.push_back(word.data());
    lengths.push_back(word.size());
  }
  char* text = nullptr;
  const int length = redisFormatCommandArgv(&text, static_cast<int>(words.size()), words.data(), lengths.data());
  if (length < 0) return Error(ErrorCode::kInternal, "a Redis command could not be written");
  wire.append(text, static_cast<std::size_t>(length));
  redisFreeCommand(text);
  return {};
}

RedisReply converted(const redisReply& reply) {
  RedisReply made;
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      made.kind = RedisReply::Kind::kInteger;
      made.integer = reply.integer;
      break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      made.kind = RedisReply::Kind::kText;
      made.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_ERROR:
      made.kind = RedisReply::Kind::kError;
      made.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_ARRAY:
      made.kind = RedisReply::Kind::kArray;
      made.elements.reserve(reply.elements);
      for (std::size_t i = 0; i < reply.elements; ++i) made.elements.push_back(converted(*reply.element[i]));
      break;
    default:
      break;
  }
  return made;
}

// Of the lines "name:value" that INFO answers.
std::string info_value(const std::string& info, const std::string& name) {
  const std::size_t begin = info.find("\n" + name + ":");
  if (begin == std::string::npos) return {};
  const std::size_t value = begin + name.size() + 2;
  return info.substr(value, info.find_first_of("\r\n", value) - value);
}

// A socket on its way to the address; -1: not even that, see errno.
int begin_connecting(const SocketAddress& address) {
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0) return fd;
  if (errno == EINPROGRESS) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

}  // namespace

class RedisConnection::Reader {
 public:
  Reader() : reader_(redisReaderCreate()) {}
  ~Reader() { redisReaderFree(reader_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // nullopt: more bytes are needed.
  Result<std::optional<RedisReply>> next() {
    void* found = nullptr;
    if (redisReaderGetReply(reader_, &found) != REDIS_OK) return broken(reader_->errstr);
    if (found == nullptr) return std::optional<RedisReply>();
    auto reply = converted(*static_cast<redisReply*>(found));
    freeReplyObject(found);
    return std::optional(std::move(reply));
  }

  Result<void> feed(std::span<const std::byte> bytes) {
    if (redisReaderFeed(reader_, reinterpret_cast<const char*>(bytes.data()), bytes.size()) == REDIS_OK) return {};
    return broken(reader_->errstr);
  }

 private:
  redisReader* const reader_;
};

RedisConnection::RedisConnection() : reader_(std::make_unique<Reader>()) {}
RedisConnection::~RedisConnection() = default;

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const CallContext& context, const RedisAddress& address,
                                                               const MakeSocketStream& tls) {
  std::unique_ptr<RedisConnection> made(new RedisConnection());
  auto connected = made->connect(context, address, tls);
  if (connected.has_value()) connected = made->greet(context, address);
  if (!connected.has_value()) return std::move(connected).error().with_context("Redis at " + address.text());
  return made;
}

Result<void> RedisConnection::connect(const CallContext& context, const RedisAddress& address,
                                      const MakeSocketStream& tls) {
  if (!events_.valid()) return broken("no file descriptor is left");
  IMGIMPORT_ASSIGN_OR_RETURN(const std::vector<SocketAddress> places,
                             resolve_host(context, address.host, address.port));
  int error = EHOSTUNREACH;
  for (const SocketAddress& place : places) {
    const int fd = begin_connecting(place);
    if (fd < 0) {
      error = errno;
      continue;
    }
    if (address.tls) {
      IMGIMPORT_ASSIGN_OR_RETURN(stream_, tls(fd, address.host));
    } else {
      stream_ = plain_stream(fd);
    }
    events_.watch(fd, 0);
    IMGIMPORT_RETURN_IF_ERROR(wait(context, SocketStream::State::kWantsWrite));
    socklen_t length = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0) break;
    events_.forget(fd);
    stream_.reset();
  }
  if (!stream_) {
    return Error(ErrorCode::kUnavailable, std::system_category().message(error)).with_reason("redis_away");
  }
  for (;;) {
    IMGIMPORT_ASSIGN_OR_RETURN(const SocketStream::Step step, stream_->handshake());
    if (step.state == SocketStream::State::kDone) return {};
    if (step.state == SocketStream::State::kEnded) return broken("it was closed");
    IMGIMPORT_RETURN_IF_ERROR(wait(context, step.state));
  }
}

// In one round trip. Only what must work is looked at: a user of restricted rights may be refused the rest.
Result<void> RedisConnection::greet(const CallContext& context, const RedisAddress& address) {
  std::vector<RedisCommand> must;
  if (!address.password.empty() && address.user.empty()) must.push_back({"AUTH", address.password});
  if (!address.password.empty() && !address.user.empty()) must.push_back({"AUTH", address.user, address.password});
  if (address.database != 0) must.push_back({"SELECT", std::to_string(address.database)});
  must.push_back({"PING"});
  std::vector<RedisCommand> all = must;
  all.push_back({"CLIENT", "SETNAME", "imgimport"});
  all.push_back({"CLIENT", "ID"});
  all.push_back({"INFO", "server"});
  IMGIMPORT_RETURN_IF_ERROR(send(context, all));
  std::vector<RedisReply> replies;
  for (std::size_t i = 0; i < all.size(); ++i) {
    IMGIMPORT_ASSIGN_OR_RETURN(RedisReply reply, receive(context));
    if (i < must.size() && reply.is_error()) return redis_error(reply.text);
    replies.push_back(std::move(reply));
  }
  client_id_ = replies[must.size() + 1].integer;
  const RedisReply& info = replies[must.size() + 2];
  if (info.kind == RedisReply::Kind::kText) server_id_ = info_value(info.text, "run_id");
  return {};
}

Result<void> RedisConnection::wait(const CallContext& context, SocketStream::State state) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  events_.watch(stream_->fd(), state == SocketStream::State::kWantsWrite ? POLLOUT : POLLIN);
  while (events_.wait(context.stop, std::chrono::steady_clock::now(), context.deadline).empty()) {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
  }
  return {};
}

Result<void> RedisConnection::send(const CallContext& context, std::span<const RedisCommand> commands) {
  std::string wire;
  for (const RedisCommand& command : commands) IMGIMPORT_RETURN_IF_ERROR(append(wire, command));
  auto rest = std::as_bytes(std::span(wire));
  while (!rest.empty()) {
    IMGIMPORT_ASSIGN_OR_RETURN(const SocketStream::Step step, stream_->write(rest));
    if (step.state == SocketStream::State::kEnded) return broken("it was closed");
    if (step.state == SocketStream::State::kDone) {
      rest = rest.subspan(step.bytes);
    } else {
      IMGIMPORT_RETURN_IF_ERROR(wait(context, step.state));
    }
  }
  return {};
}

Result<RedisReply> RedisConnection::receive(const CallContext& context) {
  std::array<std::byte, kReadPiece> piece;
  for (;;) {
    IMGIMPORT_ASSIGN_OR_RETURN(auto reply, reader_->next());
    if (reply) return *std::move(reply);
    IMGIMPORT_ASSIGN_OR_RETURN(const SocketStream::Step step, stream_->read(piece));
    if (step.state == SocketStream::State::kEnded) return broken("it was closed");
    if (step.state == SocketStream::State::kDone) {
      IMGIMPORT_RETURN_IF_ERROR(reader_->feed(std::span(piece).first(step.bytes)));
    } else {
      IMGIMPORT_RETURN_IF_ERROR(wait(context, step.state));
    }
  }
}

bool RedisConnection::has_stirred() const noexcept {
  pollfd socket{stream_->fd(), POLLIN, 0};
  return ::poll(&socket, 1, 0) != 0;
}

}  // namespace imgimport
