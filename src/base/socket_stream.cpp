#include "base/socket_stream.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace imgimport {
namespace {

class PlainStream : public SocketStream {
 public:
  explicit PlainStream(int fd) : fd_(fd) {}
  ~PlainStream() override { ::close(fd_); }
  PlainStream(const PlainStream&) = delete;
  PlainStream& operator=(const PlainStream&) = delete;

  int fd() const noexcept override { return fd_; }
  Result<Step> handshake() override { return Step{}; }

  Result<Step> read(std::span<std::byte> buffer) override {
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count == 0) return Step{State::kEnded, 0};
    return after(count, State::kWantsRead);
  }

  Result<Step> write(std::span<const std::byte> bytes) override {
    return after(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), State::kWantsWrite);
  }

 private:
  static Result<Step> after(ssize_t count, State otherwise) {
    if (count > 0) return Step{State::kDone, static_cast<std::size_t>(count)};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Step{otherwise, 0};
    return Error(ErrorCode::kUnavailable, std::system_category().message(errno));
  }

  const int fd_;
};

}  // namespace

std::unique_ptr<SocketStream> plain_stream(int fd) {
  return std::make_unique<PlainStream>(fd);
}

}  // namespace imgimport
