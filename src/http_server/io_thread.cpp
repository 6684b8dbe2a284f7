#include "http_server/io_thread.hpp"

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "base/http_date.hpp"
#include "http_server/response_head.hpp"
#include "http_server/session.hpp"

namespace imgimport {
namespace {

namespace asio = boost::asio;

// How exactly time-outs are kept. One timer for all connections costs less than one that each re-arms at each
// operation.
constexpr std::chrono::milliseconds kTick{100};

}  // namespace

struct IoThread::Tick {
  explicit Tick(asio::io_context& context) : work(context.get_executor()), timer(context) {}
  asio::executor_work_guard<asio::io_context::executor_type> work;
  asio::steady_timer timer;
};

IoThread::IoThread() : context_(std::make_unique<asio::io_context>(1)), tick_(std::make_unique<Tick>(*context_)) {}

IoThread::~IoThread() = default;

void IoThread::start(std::size_t index) {
  thread_ = std::thread([this, index] {
    pthread_setname_np(pthread_self(), ("http-" + std::to_string(index)).c_str());
    id_ = std::this_thread::get_id();
    context_->run();
  });
}

void IoThread::join() {
  tick_->work.reset();
  context_->stop();
  if (thread_.joinable()) thread_.join();
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  // Late answers that are queued hold a reference to this object: let them go.
  context_->restart();
  context_->poll();
}

void IoThread::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (!closed_) asio::post(*context_, std::move(task));
}

void IoThread::add(Session& session) {
  sessions_.insert(&session);
  if (!std::exchange(ticking_, true)) tick();
}

void IoThread::tick() {
  tick_->timer.expires_after(kTick);
  tick_->timer.async_wait([this](boost::system::error_code error) {
    ticking_ = !error && !sessions_.empty();
    if (!ticking_) return;
    const auto now = std::chrono::steady_clock::now();
    for (Session* session : sessions_) session->on_tick(now);
    tick();
  });
}

std::string_view IoThread::date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_time_) {
    date_time_ = now;
    date_ = to_http_date(Timestamp(std::chrono::seconds(now)));
  }
  return date_;
}

}  // namespace imgimport
