#include "gateway/access.hpp"

#include <catch2/catch.hpp>

namespace imgimport {
namespace {

struct Headers {
  std::vector<std::pair<std::string, std::string>> list;
};

HttpRequest request_with(HttpMethod method, const Headers& headers) {
  HttpRequest request;
  request.method = method;
  for (const auto& [name, value] : headers.list) request.headers.add(name, value);
  return request;
}

GatewayOptions with_token() {
  GatewayOptions options;
  options.api_token = "s3cret";
  return options;
}

std::string refusal_reason(const GatewayOptions& options, HttpMethod method, const Headers& headers) {
  const Cors cors(options.cors_origins);
  const Access access(options, cors);
  const auto refusal = access.refusal(request_with(method, headers));
  return refusal ? refusal->reason() : "";
}

std::string cookie_of(const GatewayOptions& options) {
  const Cors cors(options.cors_origins);
  const std::string header = Access(options, cors).session_cookie();
  return header.substr(0, header.find(';'));
}

TEST_CASE("with a token set, a request needs it", "[gateway]") {
  struct Row {
    Headers headers;
    std::string reason;
  };
  const auto row = GENERATE(values<Row>({
      {{}, "token_needed"},
      {{{{"Authorization", "Bearer s3cret"}}}, ""},
      {{{{"authorization", "bearer  s3cret "}}}, ""},
      {{{{"Authorization", "Bearer wrong"}}}, "wrong_token"},
      {{{{"Authorization", "Bearer s3cret2"}}}, "wrong_token"},
      {{{{"Authorization", "Bearer "}}}, "wrong_token"},
      {{{{"Authorization", "Basic czNjcmV0"}}}, "token_needed"},
      {{{{"Cookie", "imgimport_session=s3cret"}}}, "token_needed"},
      {{{{"Cookie", "imgimport_session="}}}, "token_needed"},
  }));
  CHECK(refusal_reason(with_token(), HttpMethod::kGet, row.headers) == row.reason);
}

TEST_CASE("the session cookie stands for the token, over restarts, until the token is changed", "[gateway]") {
  const std::string cookie = cookie_of(with_token());
  CHECK_THAT(cookie, !Catch::Contains("s3cret"));
  CHECK(refusal_reason(with_token(), HttpMethod::kGet, {{{"Cookie", "a=b; " + cookie + "; c=d"}}}).empty());
  GatewayOptions changed = with_token();
  changed.api_token = "another";
  CHECK(refusal_reason(changed, HttpMethod::kGet, {{{"Cookie", cookie}}}) == "token_needed");
}

TEST_CASE("the session cookie is kept from scripts and foreign sites, and from plain HTTP where there is TLS",
          "[gateway]") {
  GatewayOptions options = with_token();
  const auto header = [&options] {
    const Cors cors(options.cors_origins);
    return Access(options, cors).session_cookie();
  };
  CHECK_THAT(header(), Catch::Contains("HttpOnly") && Catch::Contains("SameSite=Strict") && Catch::Contains("Path=/"));
  CHECK_THAT(header(), !Catch::Contains("Secure"));
  options.public_url = "https://photos.example.org";
  CHECK_THAT(header(), Catch::Contains("; Secure"));
}

TEST_CASE("a cookie stands for the token, except where a foreign page may have sent it", "[gateway]") {
  struct Row {
    HttpMethod method;
    Headers headers;
    std::string reason;
  };
  const auto row = GENERATE(values<Row>({
      {HttpMethod::kGet, {}, ""},
      {HttpMethod::kGet, {{{"Origin", "https://evil.example"}}}, ""},
      {HttpMethod::kPost, {}, ""},
      {HttpMethod::kDelete, {}, ""},
      {HttpMethod::kPost, {{{"Sec-Fetch-Site", "same-origin"}}}, ""},
      {HttpMethod::kPost, {{{"Sec-Fetch-Site", "none"}}}, ""},
      {HttpMethod::kPost, {{{"Sec-Fetch-Site", "cross-site"}}}, "foreign_origin"},
      {HttpMethod::kPost, {{{"Sec-Fetch-Site", "same-site"}}}, "foreign_origin"},
      {HttpMethod::kPost, {{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://localhost:3000"}}}, ""},
      {HttpMethod::kPost, {{{"Origin", "null"}}}, "foreign_origin"},
      {HttpMethod::kPost, {{{"Origin", "https://evil.example"}, {"Host", "photos.example.org"}}}, "foreign_origin"},
      {HttpMethod::kPost, {{{"Origin", "http://localhost:3000"}}}, ""},
      {HttpMethod::kPost, {{{"Origin", "http://localhost:3001"}}}, "foreign_origin"},
      {HttpMethod::kPost, {{{"Origin", "http://localhost:5000"}}}, ""},
      {HttpMethod::kDelete, {{{"Origin", "https://photos.example.org"}, {"Host", "photos.example.org"}}}, ""},
      {HttpMethod::kDelete, {{{"Origin", "https://photos.example.org"}, {"Host", "photos.example.org:443"}}}, ""},
      {HttpMethod::kDelete,
       {{{"Origin", "https://photos.example.org:8443"}, {"Host", "photos.example.org"}}},
       "foreign_origin"},
      {HttpMethod::kPost, {{{"X-Requested-With", "imgimport"}}}, ""},
  }));
  Headers headers = row.headers;
  headers.list.emplace_back("Cookie", cookie_of(with_token()));
  CAPTURE(headers.list);
  CHECK(refusal_reason(with_token(), row.method, headers) == row.reason);
}

TEST_CASE("a bearer token needs no origin", "[gateway]") {
  CHECK(refusal_reason(with_token(), HttpMethod::kPost, {{{"Authorization", "Bearer s3cret"}}}).empty());
  CHECK(refusal_reason(with_token(), HttpMethod::kPost,
                       {{{"Authorization", "Bearer s3cret"}, {"Origin", "https://evil.example"}}})
            .empty());
}

TEST_CASE("without a token everything is open, but not to foreign pages that change something", "[gateway]") {
  const GatewayOptions open;
  CHECK(refusal_reason(open, HttpMethod::kGet, {{{"Host", "localhost:5000"}}}).empty());
  CHECK(refusal_reason(open, HttpMethod::kPost, {{{"Host", "127.0.0.1:5000"}}}).empty());
  CHECK(refusal_reason(open, HttpMethod::kPost, {{{"Host", "[::1]:5000"}, {"Origin", "http://[::1]:5000"}}}).empty());
  CHECK(refusal_reason(open, HttpMethod::kPost, {{{"Origin", "http://localhost:3000"}}}).empty());
  CHECK(refusal_reason(open, HttpMethod::kPost, {{{"Origin", "https://evil.example"}}}) == "foreign_origin");
}

TEST_CASE("an open server answers only to names of its own machine, unless it is open on purpose", "[gateway]") {
  GatewayOptions open;
  for (const char* host :
       {"evil.example:5000", "127.0.0.1.evil.example", "localhost.evil.example", "127.evil.example"}) {
    INFO(host);
    CHECK(refusal_reason(open, HttpMethod::kGet, {{{"Host", host}}}) == "foreign_host");
  }
  open.public_url = "http://photos.lan:5000";
  CHECK(refusal_reason(open, HttpMethod::kGet, {{{"Host", "photos.lan:5000"}}}).empty());
  open.allow_anonymous = true;
  CHECK(refusal_reason(open, HttpMethod::kGet, {{{"Host", "anything.example"}}}).empty());
}

TEST_CASE("only the exact token is the token", "[gateway]") {
  const GatewayOptions options = with_token();
  const Cors cors({});
  const Access access(options, cors);
  CHECK(access.is_token("s3cret"));
  CHECK_FALSE(access.is_token("s3cre"));
  CHECK_FALSE(access.is_token(""));
  const GatewayOptions open;
  CHECK_FALSE(Access(open, cors).is_token(""));
}

}  // namespace
}  // namespace imgimport
