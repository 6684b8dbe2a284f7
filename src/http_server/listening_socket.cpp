#include "http_server/listening_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

namespace imgimport {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<SocketAddress> parse_address(const std::string& address, std::uint16_t port) {
  std::string_view literal = address;
  if (literal.starts_with('[') && literal.ends_with(']')) literal = literal.substr(1, literal.size() - 2);
  const std::string text(literal);
  SocketAddress parsed;
  auto& v4 = reinterpret_cast<sockaddr_in&>(parsed.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    parsed.size = sizeof(sockaddr_in);
    return parsed;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(parsed.storage);
  if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    parsed.size = sizeof(sockaddr_in6);
    return parsed;
  }
  return Error(ErrorCode::kMisconfigured, "\"" + address + "\" is not an IP address to listen on")
      .with_reason("address_not_available")
      .with_remedy("Give an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::1.");
}

Error listen_error(int code, const std::string& name, const std::string& address, std::uint16_t port) {
  const std::string where = "port " + std::to_string(port) + " (" + name + ")";
  switch (code) {
    case EADDRINUSE:
      return Error(ErrorCode::kMisconfigured, where + " is already in use")
          .with_reason("port_in_use")
          .with_remedy("End the program that listens there, or choose another port.");
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return Error(ErrorCode::kMisconfigured, "this machine has no address " + address + " to listen on for " + name)
          .with_reason("address_not_available")
          .with_remedy("Give an address of this machine, such as 127.0.0.1 or 0.0.0.0.");
    case EACCES:
      return Error(ErrorCode::kMisconfigured, where + " may not be opened by this user")
          .with_reason("permission")
          .with_remedy("Choose a port from 1024 up.");
    default:
      return Error(ErrorCode::kUnavailable, where + " cannot be opened: " + std::generic_category().message(code));
  }
}

}  // namespace

Result<ListeningSocket> open_listening_socket(const std::string& name, const std::string& address, std::uint16_t port) {
  IMGIMPORT_ASSIGN_OR_RETURN(SocketAddress local, parse_address(address, port));
  auto* raw = reinterpret_cast<sockaddr*>(&local.storage);
  const bool is_v6 = local.storage.ss_family == AF_INET6;
  const int fd = socket(local.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return listen_error(errno, name, address, port);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, raw, local.size) != 0 || listen(fd, SOMAXCONN) != 0 || getsockname(fd, raw, &local.size) != 0) {
    const int code = errno;
    close(fd);
    return listen_error(code, name, address, port);
  }
  const auto bound = is_v6 ? reinterpret_cast<sockaddr_in6&>(local.storage).sin6_port
                           : reinterpret_cast<sockaddr_in&>(local.storage).sin_port;
  return ListeningSocket{fd, is_v6, ntohs(bound)};
}

}  // namespace imgimport
