#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>

#include "base/http_error.hpp"
#include "imgimport/http.hpp"

namespace imgimport {
namespace {

HttpHandler answering(std::string text) {
  return [text = std::move(text)](const CallContext&, const HttpRequest&) {
    return HttpResponse{.status = 200, .headers = {}, .body = text, .close_connection = false};
  };
}

std::string pattern_of(const Router::Match& match) {
  return match.route == nullptr ? "" : match.route->pattern;
}

Router example() {
  Router router;
  router.handle(HttpMethod::kGet, "/api/images/{id}", answering("one"));
  router.handle(HttpMethod::kDelete, "/api/images/{id}", answering("gone"));
  router.handle(HttpMethod::kGet, "/api/images/all", answering("all"));
  router.handle(HttpMethod::kGet, "/api/images/{id}/content", answering("bytes"));
  router.handle(HttpMethod::kGet, "/files/{path...}", answering("file"));
  router.handle(HttpMethod::kGet, "/", answering("root"));
  return router;
}

HttpResponse answer_of(const Router& router, const HttpRequest& request) {
  HttpResponse answer;
  const auto match = router.match(request.method, request.path);
  {
    match.route->handler({}, request, HttpResponder([&](HttpResponse response) { answer = std::move(response); }));
  }
  return answer;
}

TEST_CASE("a literal segment wins over a name, in whatever order the routes were added") {
  const Router router = example();
  CHECK(pattern_of(router.match(HttpMethod::kGet, "/api/images/all")) == "/api/images/all");
  CHECK(pattern_of(router.match(HttpMethod::kGet, "/api/images/al")) == "/api/images/{id}");
  CHECK(pattern_of(router.match(HttpMethod::kGet, "/api/images/7/content")) == "/api/images/{id}/content");
  CHECK(pattern_of(router.match(HttpMethod::kGet, "/")) == "/");
}

TEST_CASE("a slash at the end of a path means the same path, where no route has it otherwise") {
  const Router router = example();
  CHECK(pattern_of(router.match(HttpMethod::kGet, "/api/images/all/")) == "/api/images/all");
  const auto match = router.match(HttpMethod::kDelete, "/api/images/7/");
  REQUIRE(match.route != nullptr);
  CHECK(match.path_args == std::vector<std::pair<std::string, std::string>>{{"id", "7"}});
  CHECK_FALSE(router.match(HttpMethod::kPost, "/api/images/7/").allowed.empty());
  CHECK(router.match(HttpMethod::kGet, "/files/a/").path_args.at(0).second == "a/");
  for (const char* path : {"/api/images/7//", "//", "/files", "//api/images/7", "/api/images/"}) {
    INFO(path);
    CHECK(router.match(HttpMethod::kGet, path).route == nullptr);
  }
}

TEST_CASE("an encoded slash stays inside its segment") {
  const Router router = example();
  const auto match = router.match(HttpMethod::kGet, "/api/images/a%2Fb%20c/content");
  REQUIRE(match.route != nullptr);
  CHECK(match.path_args == std::vector<std::pair<std::string, std::string>>{{"id", "a/b c"}});
}

TEST_CASE("the rest of a path may hold slashes and be empty") {
  const Router router = example();
  CHECK(router.match(HttpMethod::kGet, "/files/a/b.txt").path_args.at(0).second == "a/b.txt");
  CHECK(router.match(HttpMethod::kGet, "/files/").path_args.at(0).second.empty());
  CHECK(router.match(HttpMethod::kGet, "/files").route == nullptr);
}

TEST_CASE("a name takes exactly one segment that is not empty") {
  const Router router = example();
  CHECK(router.match(HttpMethod::kGet, "/api/images/").route == nullptr);
  CHECK(router.match(HttpMethod::kGet, "/api/images").route == nullptr);
  CHECK(router.match(HttpMethod::kGet, "/api/images/1/2").route == nullptr);
  CHECK(router.match(HttpMethod::kGet, "api/images/1").route == nullptr);
  CHECK(router.match(HttpMethod::kGet, "").route == nullptr);
}

TEST_CASE("a wrong method learns the right ones, an unknown path none") {
  const Router router = example();
  const auto wrong = router.match(HttpMethod::kPost, "/api/images/7");
  CHECK(wrong.route == nullptr);
  CHECK(wrong.allowed == std::vector{HttpMethod::kGet, HttpMethod::kHead, HttpMethod::kDelete});
  CHECK(router.match(HttpMethod::kGet, "/nowhere").allowed.empty());
}

TEST_CASE("a GET route answers HEAD unless there is one for HEAD itself") {
  Router router = example();
  CHECK(pattern_of(router.match(HttpMethod::kHead, "/api/images/7")) == "/api/images/{id}");
  router.handle(HttpMethod::kHead, "/api/images/{id}", answering("head"));
  CHECK(router.match(HttpMethod::kHead, "/api/images/7").route->method == HttpMethod::kHead);
}

TEST_CASE("an exception in a handler becomes a 500 that does not repeat it") {
  Router router;
  router.handle(HttpMethod::kGet, "/", [](const CallContext&, const HttpRequest&) -> HttpResponse {
    throw std::runtime_error("secret path /etc/shadow");
  });
  HttpRequest request;
  request.path = "/";
  request.request_id = "req-1";
  const HttpResponse answer = answer_of(router, request);
  CHECK(answer.status == 500);
  const auto& body = std::get<std::string>(answer.body);
  CHECK(body.find("secret") == std::string::npos);
  CHECK(body.find("req-1") != std::string::npos);
}

TEST_CASE("a reply that is dropped becomes a 500, a second one is ignored") {
  int sent = 0;
  int status = 0;
  const auto count = [&](HttpResponse response) {
    ++sent;
    status = response.status;
  };
  { const HttpResponder dropped(count); }
  CHECK(sent == 1);
  CHECK(status == 500);
  {
    HttpResponder responder(count);
    HttpResponder moved(std::move(responder));
    moved.send(HttpResponse{.status = 200});
    moved.send(HttpResponse{.status = 201});
  }
  CHECK(sent == 2);
  CHECK(status == 200);
}

TEST_CASE("header names compare without case") {
  HttpHeaders headers;
  headers.add("X-One", "1");
  headers.add("x-one", "2");
  CHECK(headers.find("X-ONE") == "1");
  headers.set("X-one", "3");
  CHECK(headers.all().size() == 1);
  CHECK(headers.find("x-one") == "3");
  CHECK_FALSE(headers.find("X-Two"));
}

TEST_CASE("each class of error has its status") {
  const auto status = [](ErrorCode code) { return http_status(Error(code, "x")); };
  CHECK(status(ErrorCode::kInvalidArgument) == 400);
  CHECK(status(ErrorCode::kUnauthenticated) == 401);
  CHECK(status(ErrorCode::kPermissionDenied) == 403);
  CHECK(status(ErrorCode::kNotFound) == 404);
  CHECK(status(ErrorCode::kConflict) == 409);
  CHECK(status(ErrorCode::kTooLarge) == 413);
  CHECK(status(ErrorCode::kUnsupported) == 415);
  CHECK(status(ErrorCode::kRateLimited) == 429);
  CHECK(status(ErrorCode::kUnavailable) == 503);
  CHECK(status(ErrorCode::kMisconfigured) == 503);
  CHECK(status(ErrorCode::kOutOfSpace) == 503);
  CHECK(status(ErrorCode::kQuotaExhausted) == 503);
  CHECK(status(ErrorCode::kCancelled) == 503);
  CHECK(status(ErrorCode::kDeadlineExceeded) == 504);
  CHECK(status(ErrorCode::kInternal) == 500);
  CHECK(status(ErrorCode::kCorrupt) == 500);
  CHECK(http_status(Error(ErrorCode::kInvalidArgument, "x").with_reason("range_not_satisfiable")) == 416);
}

TEST_CASE("a fallback answers reads of paths that no route has, where it wants them") {
  Router router;
  const auto answer = [](const CallContext&, const HttpRequest&) { return HttpResponse{}; };
  router.handle(HttpMethod::kPost, "/api/things", answer);
  CHECK(router.match(HttpMethod::kGet, "/page").route == nullptr);
  router.set_fallback([](std::string_view path) { return !path.starts_with("/api"); }, answer);
  CHECK(router.match(HttpMethod::kGet, "/page").route != nullptr);
  CHECK(router.match(HttpMethod::kHead, "/a/b/c").route != nullptr);
  CHECK(router.match(HttpMethod::kPost, "/page").route == nullptr);
  CHECK(router.match(HttpMethod::kPost, "/page").allowed.empty());
  CHECK(router.match(HttpMethod::kGet, "/api/nothing").route == nullptr);
  // A path that is there for another method stays a 405.
  CHECK(router.match(HttpMethod::kGet, "/api/things").route == nullptr);
  CHECK(router.match(HttpMethod::kGet, "/api/things").allowed == std::vector<HttpMethod>{HttpMethod::kPost});
}

TEST_CASE("an error's answer has the one shape, escaped") {
  HttpRequest request;
  request.request_id = "r1";
  const auto answer = error_response(Error(ErrorCode::kRateLimited, "no \"more\"\n\x01\xff")
                                         .with_reason("slow_down")
                                         .with_remedy("wait")
                                         .with_retry_after(std::chrono::milliseconds(1200)),
                                     request);
  CHECK(answer.status == 429);
  CHECK(answer.headers.find("Retry-After") == "2");
  CHECK(answer.headers.find("Content-Type") == "application/json");
  CHECK(std::get<std::string>(answer.body) ==
        "{\"error\":\"no \\\"more\\\"\\n\\u0001\xEF\xBF\xBD\",\"code\":\"slow_down\",\"remedy\":\"Wait.\","
        "\"request_id\":\"r1\"}");
}

TEST_CASE("an error without a reason shows its code, and an internal one not even its message") {
  const HttpRequest request;
  const auto missing = error_response(Error(ErrorCode::kNotFound, "no such image"), request);
  CHECK(std::get<std::string>(missing.body).find(R"("code":"not_found")") != std::string::npos);
  const auto internal = error_response(Error(ErrorCode::kInternal, "SELECT broke").with_reason("sql"), request);
  CHECK(std::get<std::string>(internal.body).find("SELECT") == std::string::npos);
  CHECK(std::get<std::string>(internal.body).find(R"("code":"internal")") != std::string::npos);
}

}  // namespace
}  // namespace imgimport
