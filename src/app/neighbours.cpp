#include "app/neighbours.hpp"

#include <pthread.h>

#include <utility>

namespace imgimport {
namespace {

constexpr std::chrono::milliseconds kAskEvery{2'000};
constexpr std::chrono::milliseconds kAnswerWithin{2'000};

bool needs_a_person(const Error& error) {
  return error.reason() == "service_refuses_token" || error.reason() == "service_version" ||
         error.reason() == "not_the_service";
}

}  // namespace

ServiceClient& Neighbours::add(ServiceAddress address, HttpClient& http, const Clock& clock) {
  while (address.url.ends_with('/')) address.url.pop_back();
  clients_.push_back(std::make_unique<ServiceClient>(std::move(address), http, clock));
  return *clients_.back();
}

Result<void> Neighbours::check() const {
  for (const auto& client : clients_) {
    auto answer = client->greet(CallContext{}.with_timeout(kAnswerWithin));
    if (answer.has_value() || !needs_a_person(answer.error())) continue;
    const Error error = std::move(answer).error();
    return Error(ErrorCode::kMisconfigured, error.message()).with_reason(error.reason()).with_remedy(error.remedy());
  }
  return {};
}

void Neighbours::start() {
  if (clients_.empty()) return;
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
    // What it answers is kept by the client.
    for (const auto& client : clients_) (void)client->greet(context.with_timeout(kAnswerWithin)).has_value();
  }
}

std::vector<Health::Part> Neighbours::troubles() const {
  std::vector<Health::Part> found;
  for (const auto& client : clients_) {
    if (std::string trouble = client->trouble(); !trouble.empty()) {
      found.push_back({client->address().name, std::move(trouble)});
    }
  }
  return found;
}

}  // namespace imgimport
