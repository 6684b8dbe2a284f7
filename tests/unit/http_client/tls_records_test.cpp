// A client that reads ahead must not wait on the socket for what OpenSSL has already.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "crypto/tls_trust.hpp"
#include "http_client/curl_client.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_identity.hpp"

namespace imgimport {
namespace {

// Answers one request after the other, each with the same pieces: a TLS record each, all in one write to the socket.
class RecordServer {
 public:
  RecordServer(const test::TlsIdentity& identity, std::vector<std::string> pieces)
      : context_(identity.server_context()), pieces_(std::move(pieces)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener_, 1);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~RecordServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  void serve() {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    const test::Owned<SSL> ssl(SSL_new(context_.get()));
    BIO* const socket = BIO_new_socket(fd, BIO_CLOSE);
    BIO* const buffer = BIO_new(BIO_f_buffer());
    BIO_set_write_buffer_size(buffer, 1 << 20);
    BIO_up_ref(socket);
    SSL_set_bio(ssl.get(), socket, BIO_push(buffer, socket));
    if (SSL_accept(ssl.get()) != 1) return;
    std::string request(4096, '\0');
    while (SSL_read(ssl.get(), request.data(), static_cast<int>(request.size())) > 0) {
      for (const std::string& piece : pieces_) SSL_write(ssl.get(), piece.data(), static_cast<int>(piece.size()));
      if (BIO_flush(SSL_get_wbio(ssl.get())) != 1) return;
    }
  }

  const test::Owned<SSL_CTX> context_;
  const std::vector<std::string> pieces_;
  const int listener_;
  int port_ = 0;
  std::thread thread_;
};

Result<std::string> download(HttpClient& client, const std::string& url, std::size_t piece) {
  HttpClientRequest request{.url = url};
  request.stall_timeout = std::chrono::seconds(5);
  IMGIMPORT_ASSIGN_OR_RETURN(const auto body, client.open({}, request));
  std::string all;
  std::vector<std::byte> buffer(piece);
  for (;;) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, body->read({}, buffer));
    if (count == 0) return all;
    all.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
}

TEST_CASE("a body of many small records that come at once is read without waiting for more", "[http_client]") {
  const TempDir folder;
  const auto identity = test::make_tls_identity("127.0.0.1");
  identity.write_certificate(folder.path() / "ca.pem");
  // Records that hold no byte of the body among them: a chunk's length and end in records of their own.
  std::vector<std::string> pieces{"HTTP/1.1 200 OK\r\n", "Transfer-Encoding: chunked\r\n", "\r\n"};
  std::string content;
  for (int i = 0; i < 300; ++i) {
    const std::string chunk = "piece " + std::to_string(1'000'000 + i);
    content += chunk;
    pieces.insert(pieces.end(), {"d", "\r\n", chunk, "\r", "\n"});
  }
  pieces.insert(pieces.end(), {"0\r\n", "\r\n"});
  const RecordServer server(identity, pieces);

  CurlHttpClientOptions options;
  options.ca = {};
  options.proxies = ProxyUse::kIgnore;
  options.tls_setup = shared_tls_trust({.ca_file = (folder.path() / "ca.pem").string()});
  CurlHttpClient client(options);
  for (const std::size_t piece : {std::size_t{7}, std::size_t{1'000}, std::size_t{1'000'000}}) {
    const auto downloaded = download(client, server.url(), piece);
    INFO((downloaded.has_value() ? std::string() : downloaded.error().message()));
    REQUIRE(downloaded.has_value());
    CHECK(*downloaded == content);
  }
  const auto whole = client.send({}, {.url = server.url()});
  REQUIRE(whole.has_value());
  CHECK(whole->body == content);
}

}  // namespace
}  // namespace imgimport
