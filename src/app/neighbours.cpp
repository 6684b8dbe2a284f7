#include "app/neighbours.hpp"

#include <pthread.h>

#include <utility>

#include "app/health_text.hpp"

namespace imgimport {
namespace {

constexpr std::chrono::milliseconds kAskEvery{2'000};
constexpr std::chrono::milliseconds kAnswerWithin{2'000};

bool needs_a_person(const Error& error) {
  return error.reason() == "service_refuses_token" || error.reason() == "service_version" ||
         error.reason() == "not_the_service";
}

// Of /health, which needs no token and is answered with 503 where the service has failed.
std::string state_of(const CallContext& context, HttpClient& http, const std::string& url) {
  HttpClientRequest request;
  request.url = url + "/health";
  const auto answer = http.send(context, request);
  return answer.has_value() ? state_text(answer->body) : std::string();
}

}  // namespace

ServiceClient& Neighbours::add(ServiceAddress address, HttpClient& http, const Clock& clock) {
  while (address.url.ends_with('/')) address.url.pop_back();
  neighbours_.push_back({std::make_unique<ServiceClient>(std::move(address), http, clock), http, {}});
  return *neighbours_.back().client;
}

Result<void> Neighbours::check() const {
  for (const Neighbour& neighbour : neighbours_) {
    auto answer = neighbour.client->greet(CallContext{}.with_timeout(kAnswerWithin));
    if (answer.has_value() || !needs_a_person(answer.error())) continue;
    const Error error = std::move(answer).error();
    return Error(ErrorCode::kMisconfigured, error.message()).with_reason(error.reason()).with_remedy(error.remedy());
  }
  return {};
}

void Neighbours::start() {
  if (neighbours_.empty()) return;
  thread_ = std::jthread([this](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "neighbours");
    watch(stop);
  });
}

void Neighbours::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void Neighbours::watch(const std::stop_token& stop) {
  CallContext context;
  context.stop = stop;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, kAskEvery, [] { return false; });
    }
    look(context);
  }
}

void Neighbours::look(const CallContext& context) {
  for (Neighbour& neighbour : neighbours_) {
    // Why it does not answer is kept by the client.
    std::string state;
    if (neighbour.client->greet(context.with_timeout(kAnswerWithin)).has_value()) {
      state = state_of(context.with_timeout(kAnswerWithin), neighbour.http, neighbour.client->address().url);
    }
    const std::lock_guard lock(mutex_);
    neighbour.state = std::move(state);
  }
}

std::vector<Health::Part> Neighbours::troubles() const {
  std::vector<Health::Part> found;
  const std::lock_guard lock(mutex_);
  for (const Neighbour& neighbour : neighbours_) {
    std::string trouble = neighbour.client->trouble();
    if (trouble.empty()) trouble = neighbour.state;
    if (!trouble.empty()) found.push_back({neighbour.client->address().name, std::move(trouble)});
  }
  return found;
}

}  // namespace imgimport
