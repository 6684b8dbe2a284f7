#include "base/metrics.hpp"

#include <fmt/format.h>

#include <iterator>

namespace imgimport {

MetricsRegistry::Family& MetricsRegistry::family(std::string_view name, std::string_view help, bool is_counter) {
  for (Family& known : families_) {
    if (known.name == name) return known;
  }
  families_.push_back({std::string(name), std::string(help), is_counter, {}});
  return families_.back();
}

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help, std::string_view labels) {
  const std::scoped_lock lock(mutex_);
  Counter& created = counters_.emplace_back();
  family(name, help, true).series.push_back({std::string(labels), &created, nullptr, nullptr});
  return created;
}

Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help, std::string_view labels) {
  const std::scoped_lock lock(mutex_);
  Gauge& created = gauges_.emplace_back();
  family(name, help, false).series.push_back({std::string(labels), nullptr, &created, nullptr});
  return created;
}

void MetricsRegistry::gauge_callback(std::string_view name, std::string_view help, std::function<std::int64_t()> value,
                                     std::string_view labels) {
  const std::scoped_lock lock(mutex_);
  family(name, help, false).series.push_back({std::string(labels), nullptr, nullptr, std::move(value)});
}

std::string MetricsRegistry::render() const {
  const std::scoped_lock lock(mutex_);
  fmt::memory_buffer out;
  for (const Family& one : families_) {
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", one.name, one.help, one.name,
                   one.is_counter ? "counter" : "gauge");
    for (const Series& series : one.series) {
      const auto braces = series.labels.empty() ? std::string() : fmt::format("{{{}}}", series.labels);
      if (series.counter != nullptr) {
        fmt::format_to(std::back_inserter(out), "{}{} {}\n", one.name, braces, series.counter->value());
      } else {
        const auto value = series.gauge != nullptr ? series.gauge->value() : series.callback();
        fmt::format_to(std::back_inserter(out), "{}{} {}\n", one.name, braces, value);
      }
    }
  }
  return fmt::to_string(out);
}

}  // namespace imgimport
