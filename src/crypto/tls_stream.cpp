#include "crypto/tls_stream.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

namespace imgimport {
namespace {

constexpr std::string_view kTrustRemedy =
    "SSL_CERT_FILE (a PEM file) or SSL_CERT_DIR must name the authority that signed the server's certificate, and the "
    "certificate must be for the host of the URL";

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

std::string last_tls_error() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the connection was closed in the middle of TLS";
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

// OpenSSL writes with write(2), which would raise SIGPIPE on a connection that the peer has closed; this socket BIO's
// write sends without.
int send_quietly(BIO* bio, const char* bytes, int count) {
  int fd = -1;
  BIO_get_fd(bio, &fd);
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(fd, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

BIO_METHOD* quiet_socket_method() {
  static BIO_METHOD* const method = [] {
    const BIO_METHOD* const socket = BIO_s_socket();
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "socket");
    BIO_meth_set_write(made, send_quietly);
    BIO_meth_set_read(made, BIO_meth_get_read(socket));
    BIO_meth_set_ctrl(made, BIO_meth_get_ctrl(socket));
    BIO_meth_set_create(made, BIO_meth_get_create(socket));
    BIO_meth_set_destroy(made, BIO_meth_get_destroy(socket));
    return made;
  }();
  return method;
}

class TlsStream : public SocketStream {
 public:
  explicit TlsStream(int fd) : fd_(fd) {}
  ~TlsStream() override {
    if (ssl_ && established_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    ssl_.reset();
    ::close(fd_);
  }
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Result<void> prepare(const std::function<bool(void*, std::uint64_t*)>& trust, const std::string& host) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (!context_) return Error(ErrorCode::kUnavailable, "TLS: " + last_tls_error());
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!trust(context_.get(), &records_read_)) {
      return Error(ErrorCode::kMisconfigured, "the certificates of the trusted authorities could not be read")
          .with_remedy(std::string(kTrustRemedy));
    }
    ssl_.reset(SSL_new(context_.get()));
    BIO* const bio = ssl_ ? BIO_new(quiet_socket_method()) : nullptr;
    if (bio == nullptr) return Error(ErrorCode::kUnavailable, "TLS: " + last_tls_error());
    BIO_set_fd(bio, fd_, BIO_NOCLOSE);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_connect_state(ssl_.get());
    if (is_address(host)) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str());
    } else {
      SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
      SSL_set1_host(ssl_.get(), host.c_str());
    }
    return {};
  }

  int fd() const noexcept override { return fd_; }

  Result<Step> handshake() override {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    established_ = result == 1;
    return established_ ? Result<Step>(Step{}) : after(result);
  }

  Result<Step> read(std::span<std::byte> buffer) override {
    ERR_clear_error();
    const int count = SSL_read(ssl_.get(), buffer.data(), length(buffer.size()));
    if (count > 0) return Step{State::kDone, static_cast<std::size_t>(count)};
    return after(count);
  }

  Result<Step> write(std::span<const std::byte> bytes) override {
    ERR_clear_error();
    const int count = SSL_write(ssl_.get(), bytes.data(), length(bytes.size()));
    if (count > 0) return Step{State::kDone, static_cast<std::size_t>(count)};
    return after(count);
  }

 private:
  static int length(std::size_t size) {
    return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
  }
  static bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
  }

  Result<Step> after(int result) {
    const int system_error = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return Step{State::kWantsRead, 0};
      case SSL_ERROR_WANT_WRITE:
        return Step{State::kWantsWrite, 0};
      case SSL_ERROR_ZERO_RETURN:
        return Step{State::kEnded, 0};
      case SSL_ERROR_SYSCALL:
        established_ = false;
        if (ERR_peek_error() == 0 && system_error != 0) {
          return Error(ErrorCode::kUnavailable, std::system_category().message(system_error));
        }
        return Error(ErrorCode::kUnavailable, "TLS: " + last_tls_error());
      default:
        established_ = false;  // no further word may be said, not even a farewell
        return refused();
    }
  }

  Error refused() const {
    const long verdict = SSL_get_verify_result(ssl_.get());
    std::string text = last_tls_error();
    if (verdict == X509_V_OK) return Error(ErrorCode::kUnavailable, "TLS: " + std::move(text));
    return Error(ErrorCode::kMisconfigured, std::string("the server's certificate is not to be trusted: ") +
                                                X509_verify_cert_error_string(verdict))
        .with_reason("certificate_refused")
        .with_remedy(std::string(kTrustRemedy));
  }

  const int fd_;
  std::uint64_t records_read_ = 0;  // of use to http_client alone
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  bool established_ = false;
};

}  // namespace

MakeSocketStream tls_streams(std::function<bool(void*, std::uint64_t*)> trust) {
  return [trust = std::move(trust)](int fd, const std::string& host) -> Result<std::unique_ptr<SocketStream>> {
    auto stream = std::make_unique<TlsStream>(fd);
    IMGIMPORT_RETURN_IF_ERROR(stream->prepare(trust, host));
    return std::unique_ptr<SocketStream>(std::move(stream));
  };
}

}  // namespace imgimport
