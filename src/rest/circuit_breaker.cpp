#include "rest/circuit_breaker.hpp"

namespace imgimport {

bool CircuitBreaker::allows(Time now) {
  const std::lock_guard lock(mutex_);
  if (in_a_row_ < options_.failures) return true;
  if (now < next_try_) return false;
  next_try_ = now + options_.patience;  // its report sets another
  return true;
}

void CircuitBreaker::succeeded() {
  const std::lock_guard lock(mutex_);
  in_a_row_ = 0;
}

void CircuitBreaker::failed(Time now) {
  const std::lock_guard lock(mutex_);
  if (in_a_row_ < options_.failures) ++in_a_row_;
  next_try_ = now + options_.try_again;
}

bool CircuitBreaker::is_open() const {
  const std::lock_guard lock(mutex_);
  return in_a_row_ >= options_.failures;
}

}  // namespace imgimport
