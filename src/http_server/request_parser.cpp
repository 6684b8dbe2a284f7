#include "http_server/request_parser.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>
#include <string>
#include <utility>

#include "base/text.hpp"

namespace imgimport {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

std::string text_of(string_view text) {
  return std::string(text.data(), text.size());
}

HttpMethod method_of(http::verb verb) noexcept {
  switch (verb) {
    case http::verb::get:
      return HttpMethod::kGet;
    case http::verb::head:
      return HttpMethod::kHead;
    case http::verb::post:
      return HttpMethod::kPost;
    case http::verb::put:
      return HttpMethod::kPut;
    case http::verb::delete_:
      return HttpMethod::kDelete;
    case http::verb::options:
      return HttpMethod::kOptions;
    case http::verb::patch:
      return HttpMethod::kPatch;
    default:
      return HttpMethod::kOther;
  }
}

constexpr RequestProblem kMalformed{400, "malformed_request", "The request is not valid HTTP/1.1."};
constexpr RequestProblem kHeaderTooLarge{431, "header_too_large", "The request's header is too large."};
constexpr RequestProblem kTargetTooLong{414, "target_too_long", "The request's address is too long."};
constexpr RequestProblem kBodyTooLarge{413, "too_large", "The request's body is larger than this path accepts."};
constexpr RequestProblem kBadVersion{505, "http_version", "This server speaks HTTP/1.1 and HTTP/1.0."};
constexpr RequestProblem kNoHost{400, "host_missing", "An HTTP/1.1 request must have exactly one Host header."};
constexpr RequestProblem kBadCoding{501, "transfer_encoding", "Of transfer encodings this server knows only chunked."};
constexpr RequestProblem kBadExpect{417, "expectation_failed", "Of expectations this server knows only 100-continue."};

}  // namespace

// What Beast finds goes straight into an HttpRequest, without a container of Beast's in between.
class RequestParser::Parser : public http::basic_parser<true> {
 public:
  Parser() {
    body_limit(boost::none);
    // Counted outside, since Beast counts only what it has not yet taken.
    header_limit(std::numeric_limits<std::uint32_t>::max());
  }

  HttpRequest request;
  bool is_1_1 = false;
  std::size_t hosts = 0;
  bool has_transfer_encoding = false;
  bool expects_continue = false;
  bool bad_expectation = false;
  bool keep_body = true;
  bool body_too_large = false;
  std::size_t max_body = std::numeric_limits<std::size_t>::max();
  std::size_t taken_body = 0;

 private:
  void on_request_impl(http::verb method, string_view method_text, string_view target, int version,
                       error_code&) override {
    is_1_1 = version == 11;
    request.method = method_of(method);
    request.method_text = text_of(method_text);
    request.target = text_of(target);
  }

  void on_field_impl(http::field name, string_view name_text, string_view value, error_code&) override {
    if (is_header_done()) return;  // a trailer: nothing here asks for one, and it must not pass for a header
    if (name == http::field::host) ++hosts;
    if (name == http::field::transfer_encoding) has_transfer_encoding = true;
    if (name == http::field::expect) {
      expects_continue = equals_ignore_case({value.data(), value.size()}, "100-continue");
      bad_expectation = !expects_continue;
    }
    request.headers.add({name_text.data(), name_text.size()}, text_of(value));
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    // Not the whole announced length: announcing costs a client nothing.
    if (keep_body && length) request.body.reserve(std::min<std::uint64_t>(*length, 64 << 10));
  }

  std::size_t on_body_impl(string_view piece, error_code& error) override {
    if (!keep_body) return piece.size();
    if (piece.size() > max_body - std::min(max_body, taken_body + request.body.size())) {
      body_too_large = true;
      error = http::error::body_limit;
      return 0;
    }
    request.body.append(piece.data(), piece.size());
    return piece.size();
  }

  std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code& error) override {
    return on_body_impl(piece, error);
  }

  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  void on_finish_impl(error_code&) override {}
};

struct RequestParser::State {
  std::size_t max_header_bytes;
  std::size_t header_bytes = 0;
  std::optional<Parser> parser;
  RequestProblem problem;

  Fed fail(const RequestProblem& what) {
    problem = what;
    return {Outcome::kFailed, 0};
  }

  // Of a head that is too large; `unparsed` is what of it was not understood yet, perhaps all of it.
  const RequestProblem& too_large(std::string_view unparsed) const {
    const std::string_view line = unparsed.substr(0, unparsed.find('\n'));
    // A word that never ends is no address, but the method.
    const std::size_t waiting =
        parser->request.method_text.empty() && line.find(' ') != std::string_view::npos ? line.size() : 0;
    return std::max(parser->request.target.size(), waiting) > max_header_bytes / 2 ? kTargetTooLong : kHeaderTooLarge;
  }

  Fed check_head(std::size_t consumed) {
    if (parser->hosts > 1 || (parser->is_1_1 && parser->hosts == 0)) return fail(kNoHost);
    // Anything but a plain "chunked" leaves the body's end open to interpretation, which is how requests are smuggled.
    if (parser->has_transfer_encoding && (!parser->chunked() || !parser->is_1_1)) return fail(kBadCoding);
    if (parser->bad_expectation) return fail(kBadExpect);
    return {Outcome::kComplete, consumed};
  }
};

RequestParser::RequestParser(std::size_t max_header_bytes) : state_(std::make_unique<State>()) {
  state_->max_header_bytes = max_header_bytes;
  reset();
}

RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  state_->parser.emplace();
  state_->header_bytes = 0;
}

RequestParser::Fed RequestParser::feed_head(std::string_view bytes) {
  State& state = *state_;
  std::size_t consumed = 0;
  if (!state.parser->got_some()) {
    // RFC 9112, 2.2: empty lines before a request line are to be ignored.
    while (consumed < bytes.size() && (bytes[consumed] == '\r' || bytes[consumed] == '\n')) ++consumed;
    if (consumed == bytes.size()) return {Outcome::kNeedMore, consumed};
  }
  error_code error;
  const std::size_t parsed =
      state.parser->put(boost::asio::const_buffer(bytes.data() + consumed, bytes.size() - consumed), error);
  consumed += parsed;
  state.header_bytes += parsed;
  const bool done = state.parser->is_header_done();
  const std::size_t waiting = done ? 0 : bytes.size() - consumed;
  if (state.header_bytes + waiting > state.max_header_bytes) {
    return state.fail(state.too_large(bytes.substr(consumed)));
  }
  if (error == http::error::need_more) return {Outcome::kNeedMore, consumed};
  if (error == http::error::bad_version) return state.fail(kBadVersion);
  if (error) return state.fail(kMalformed);
  return done ? state.check_head(consumed) : Fed{Outcome::kNeedMore, consumed};
}

RequestParser::Fed RequestParser::feed_body(std::string_view bytes) {
  State& state = *state_;
  std::size_t consumed = 0;
  while (!state.parser->is_done()) {
    if (consumed == bytes.size()) return {Outcome::kNeedMore, consumed};
    error_code error;
    consumed += state.parser->put(boost::asio::const_buffer(bytes.data() + consumed, bytes.size() - consumed), error);
    if (error == http::error::need_more) return {Outcome::kNeedMore, consumed};
    if (error) return state.fail(state.parser->body_too_large ? kBodyTooLarge : kMalformed);
  }
  return {Outcome::kComplete, consumed};
}

const RequestProblem& RequestParser::problem() const noexcept {
  return state_->problem;
}
const RequestProblem& RequestParser::body_too_large() noexcept {
  return kBodyTooLarge;
}
bool RequestParser::body_complete() const noexcept {
  return state_->parser->is_done();
}

std::optional<std::uint64_t> RequestParser::content_length() const noexcept {
  if (state_->parser->chunked()) return std::nullopt;
  const auto length = state_->parser->content_length();
  return length ? *length : 0;
}

bool RequestParser::keep_alive() const noexcept {
  return state_->parser->keep_alive();
}
bool RequestParser::is_http_1_1() const noexcept {
  return state_->parser->is_1_1;
}
bool RequestParser::expects_continue() const noexcept {
  return state_->parser->expects_continue && is_http_1_1();
}
void RequestParser::limit_body(std::size_t max_bytes) noexcept {
  state_->parser->max_body = max_bytes;
}
std::string RequestParser::take_body() {
  Parser& parser = *state_->parser;
  parser.taken_body += parser.request.body.size();
  return std::exchange(parser.request.body, {});
}
void RequestParser::discard_body() noexcept {
  state_->parser->keep_body = false;
}
HttpRequest& RequestParser::request() noexcept {
  return state_->parser->request;
}

}  // namespace imgimport
