#include "support/router_client.hpp"

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/text.hpp"

namespace imgimport {
namespace {

class BodyDownload final : public HttpDownload {
 public:
  explicit BodyDownload(HttpResponse response) : response_(std::move(response)) {}

  int status() const override { return response_.status; }
  const HttpHeaders& headers() const override { return response_.headers; }
  std::optional<std::uint64_t> content_length() const override {
    if (const auto* text = std::get_if<std::string>(&response_.body)) return text->size();
    return std::get<HttpStreamBody>(response_.body).length;
  }
  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
    if (auto* stream = std::get_if<HttpStreamBody>(&response_.body)) return stream->reader->read(context, out);
    const std::string& text = std::get<std::string>(response_.body);
    const std::size_t count = std::min(out.size(), text.size() - read_);
    std::memcpy(out.data(), text.data() + read_, count);
    read_ += count;
    return count;
  }

 private:
  HttpResponse response_;
  std::size_t read_ = 0;
};

}  // namespace

HttpResponse RouterClient::dispatch(const CallContext& context, const HttpClientRequest& sent) const {
  HttpRequest request;
  request.method = sent.method;
  request.method_text = std::string(to_string(sent.method));
  request.target = sent.url.substr(sent.url.find('/', sent.url.find("//") + 2));
  request.headers = sent.headers;
  request.body = sent.body;
  const std::string path = request.target.substr(0, request.target.find('?'));
  request.path = percent_decode(path).value_or(path);
  if (const std::size_t at = request.target.find('?'); at != std::string::npos) {
    for (std::string_view rest = std::string_view(request.target).substr(at + 1); !rest.empty();) {
      const std::string_view pair = rest.substr(0, rest.find('&'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      request.query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
    }
  }
  const Router::Match match = router_.match(request.method, path);
  HttpResponse response;
  response.status = 404;
  if (match.route == nullptr) return response;
  request.path_args = match.path_args;
  match.route->handler(context, request,
                       HttpResponder([&response](HttpResponse answer) { response = std::move(answer); }));
  return response;
}

Result<std::unique_ptr<HttpDownload>> RouterClient::open(const CallContext& context, const HttpClientRequest& request) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  return std::unique_ptr<HttpDownload>(std::make_unique<BodyDownload>(dispatch(context, request)));
}

Result<HttpClientResponse> RouterClient::send(const CallContext& context, const HttpClientRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(auto download, open(context, request));
  HttpClientResponse response{.status = download->status(), .headers = download->headers(), .body = {}};
  std::array<std::byte, 4096> piece;
  for (;;) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, download->read(context, piece));
    if (count == 0) return response;
    response.body.append(reinterpret_cast<const char*>(piece.data()), count);
  }
}

}  // namespace imgimport
