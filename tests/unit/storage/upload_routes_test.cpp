#include "storage/local/upload_routes.hpp"

#include <catch2/catch.hpp>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/span_blob.hpp"
#include "base/text.hpp"
#include "fakes/manual_clock.hpp"
#include "fakes/memory_object_store.hpp"

namespace imgimport {
namespace {

const std::string kBytes = "the image";

// The answer to an upload, which may come on another thread.
class Answer {
 public:
  HttpResponder responder() {
    return HttpResponder([this](HttpResponse response) {
      status_ = response.status;
      there_.count_down();
    });
  }
  int wait() {
    there_.wait();
    return status_;
  }

 private:
  int status_ = 0;
  std::latch there_{1};
};

struct Bench {
  explicit Bench(ObjectStore& objects) : routes(objects, tickets, clock) { routes.mount(router); }

  void upload(const std::string& key, Answer& answer) {
    const PlannedPut plan{.key = ObjectKey(key), .size_bytes = kBytes.size()};
    const std::string url = tickets.issue(plan, clock.now()).url;
    HttpRequest request;
    request.method = HttpMethod::kPut;
    request.target = url;
    request.path = url.substr(0, url.find('?'));
    for (std::string_view rest = std::string_view(url).substr(url.find('?') + 1); !rest.empty();) {
      const std::string_view pair = rest.substr(0, rest.find('&'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      request.query.emplace_back(pair.substr(0, pair.find('=')),
                                 percent_decode(pair.substr(pair.find('=') + 1)).value());
    }
    request.body_reader = std::make_shared<SpanReader>(std::as_bytes(std::span(kBytes)));
    const Router::Match match = router.match(request.method, request.path);
    REQUIRE(match.route != nullptr);
    request.path_args = match.path_args;
    match.route->handler({}, request, answer.responder());
  }

  ManualClock clock;
  LocalTickets tickets;
  Router router;
  LocalUploadRoutes routes;
};

std::chrono::steady_clock::time_point far_away() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(60);
}

TEST_CASE("an upload that was accepted ends well, however soon the service stops", "[upload_routes]") {
  for (int i = 0; i < 100; ++i) {
    MemoryObjectStore store;
    Bench bench(store);
    Answer answer;
    bench.upload("a/b/c", answer);
    bench.routes.stop(far_away());
    REQUIRE(answer.wait() == 201);
    Answer refused;
    bench.upload("a/b/d", refused);
    REQUIRE(refused.wait() == 503);
  }
}

}  // namespace
}  // namespace imgimport
