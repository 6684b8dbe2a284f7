#include "support/api_callers.hpp"

#include <stdexcept>
#include <utility>

#include "http_client/curl_client.hpp"

namespace imgimport {
namespace {

// Beyond a call's deadline: for the answer that says so, on a machine that is busy with other things.
constexpr std::chrono::milliseconds kGrace{10'000};

}  // namespace

ApiCallers::ApiCallers(Options options)
    : options_(std::move(options)), http_(std::make_unique<CurlHttpClient>()), calls_done_(options_.threads) {
  for (std::size_t i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this, i](const std::stop_token& stop) { run(stop, i); });
  }
}

ApiCallers::~ApiCallers() {
  stop();
}

void ApiCallers::run(const std::stop_token& stop, std::size_t number) {
  for (std::size_t turn = number; !stop.stop_requested(); ++turn) {
    const ApiCall& what = options_.calls[turn % options_.calls.size()];
    const std::string key = "client-" + std::to_string(number) + "-call-" + std::to_string(turn);
    std::string said;
    Outcome outcome = call(stop, what, key, said);
    if (outcome == Outcome::kFailed && options_.on_failure == OnFailure::kRepeatOnce) {
      const std::string first = said;
      if (!wait_for_repeat(stop)) return;
      outcome = call(stop, what, key, said);
      if (stop.stop_requested()) return;
      if (outcome == Outcome::kFailed) complain(what.path + " failed twice: " + first + "; then: " + said);
    }
    if (stop.stop_requested()) return;
    if (outcome == Outcome::kWrong) complain(what.path + ": " + said);
    std::unique_lock lock(mutex_);
    if (outcome == Outcome::kGood) ++answered_;
    ++calls_done_[number];
    changed_.notify_all();
    changed_.wait_for(lock, stop, options_.pause, [] { return false; });
  }
}

ApiCallers::Outcome ApiCallers::call(const std::stop_token& stop, const ApiCall& what, const std::string& key,
                                     std::string& said) {
  HttpClientRequest request;
  request.method = what.method;
  request.url = options_.url + what.path;
  request.body = what.body;
  request.stall_timeout = options_.deadline + kGrace * 2;
  request.headers.set("X-Deadline-Ms", std::to_string(options_.deadline.count()));
  if (!what.body.empty()) request.headers.set("Content-Type", "application/json");
  if (what.method == HttpMethod::kPost) request.headers.set("Idempotency-Key", key);
  CallContext context = CallContext{}.with_timeout(options_.deadline + kGrace);
  context.stop = stop;
  const auto answer = http_->send(context, request);
  if (!answer.has_value()) {
    said = answer.error().message();
    if (answer.error().code() == ErrorCode::kDeadlineExceeded) {
      said = "hung beyond its deadline";
      return Outcome::kWrong;
    }
  } else {
    if (answer->status >= 200 && answer->status < 300) return Outcome::kGood;
    said = std::to_string(answer->status) + " " + answer->body.substr(0, 300);
    if (answer->status != 503 && answer->status != 504) return Outcome::kWrong;
  }
  const std::lock_guard lock(mutex_);
  ++failed_;
  return Outcome::kFailed;
}

void ApiCallers::complain(const std::string& what) {
  const std::lock_guard lock(mutex_);
  complaints_.insert(what);
}

bool ApiCallers::wait_for_repeat(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const std::uint64_t before = repeats_;
  ++waiting_;
  const bool told = changed_.wait(lock, stop, [&] { return repeats_ != before; });
  --waiting_;
  return told && !stop.stop_requested();
}

void ApiCallers::repeat_what_failed() {
  std::unique_lock lock(mutex_);
  await_turns(lock, 1, true);
}

void ApiCallers::await_a_turn() {
  std::unique_lock lock(mutex_);
  await_turns(lock, 2, false);
}

// REQUIRES: mutex_ is held
void ApiCallers::await_turns(std::unique_lock<std::mutex>& lock, std::uint64_t turns, bool repeating) {
  const auto give_up = std::chrono::steady_clock::now() + (options_.deadline + kGrace) * 5;
  const std::vector<std::uint64_t> before = calls_done_;
  for (;;) {
    bool done = waiting_ == 0;
    for (std::size_t i = 0; i < before.size(); ++i) done = done && calls_done_[i] >= before[i] + turns;
    if (done) return;
    if (repeating && waiting_ > 0) {  // one that failed only now is let go on as well
      ++repeats_;
      changed_.notify_all();
    }
    if (std::chrono::steady_clock::now() > give_up) throw std::runtime_error("the clients of the gateway do not end");
    changed_.wait_for(lock, std::chrono::milliseconds(50));
  }
}

std::string ApiCallers::stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const std::string& complaint : complaints_) all += complaint + "\n";
  return all;
}

std::size_t ApiCallers::answered() const {
  const std::lock_guard lock(mutex_);
  return answered_;
}

std::size_t ApiCallers::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

}  // namespace imgimport
