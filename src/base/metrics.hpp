// Counters and gauges in Prometheus' text format. Updating is lock-free; registering takes a lock and is
// done once, at construction of whoever counts.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace imgimport {

class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t n) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Metrics live as long as their registry. `labels` is the inside of the braces: provider="local".
class MetricsRegistry {
 public:
  Counter& counter(std::string_view name, std::string_view help, std::string_view labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, std::string_view labels = {});
  // A gauge that is asked for its value when the metrics are read.
  void gauge_callback(std::string_view name, std::string_view help, std::function<std::int64_t()> value,
                      std::string_view labels = {});
  // The text of GET /metrics.
  std::string render() const;

 private:
  struct Series {
    std::string labels;
    const Counter* counter = nullptr;
    const Gauge* gauge = nullptr;
    std::function<std::int64_t()> callback;
  };
  struct Family {
    std::string name;
    std::string help;
    bool is_counter = false;
    std::vector<Series> series;
  };
  Family& family(std::string_view name, std::string_view help, bool is_counter);

  mutable std::mutex mutex_;
  std::deque<Counter> counters_;
  std::deque<Gauge> gauges_;
  std::deque<Family> families_;
};

}  // namespace imgimport
