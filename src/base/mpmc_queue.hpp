// A bounded lock-free queue for many producers and many consumers: Dmitry Vyukov's ring of cells with sequence numbers
// (https://www.1024cores.net/home/lock-free-algorithms/queues/bounded-mpmc-queue).
//
// Threading: try_push and try_pop from any number of threads; neither ever blocks or waits for another thread.
// Construction and destruction by one thread, while nobody else uses the queue.
//
// Order: values of one producer come out in the order in which they went in. While a producer is between claiming a
// cell and filling it, try_pop may report "empty" although later cells are filled; that producer's push has not
// returned yet. Who sleeps on an empty queue must therefore be woken by every push, not by the first one alone.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace imgimport {

template <class T>
class MpmcQueue {
  // A throw between claiming a cell and filling it would block the cell for ever.
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);

 public:
  // The capacity is `min_capacity` rounded up to a power of two, at least 2 (with one cell, "full" and "filled by the
  // next lap" would be the same sequence number).
  explicit MpmcQueue(std::size_t min_capacity)
      : mask_(std::bit_ceil(min_capacity < 2 ? std::size_t{2} : min_capacity) - 1),
        cells_(std::make_unique<Cell[]>(mask_ + 1)) {
    for (std::size_t i = 0; i <= mask_; ++i) cells_[i].sequence.store(i, std::memory_order_relaxed);
  }
  MpmcQueue(const MpmcQueue&) = delete;
  MpmcQueue& operator=(const MpmcQueue&) = delete;
  ~MpmcQueue() {
    while (try_pop()) {
    }
  }

  // false: full; `value` is untouched then.
  bool try_push(T&& value) noexcept {
    std::size_t position = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[position & mask_];
      // acquire: pairs with the consumer's release below, so that its move out of the cell is over before ours into it.
      const std::size_t sequence = cell.sequence.load(std::memory_order_acquire);
      const auto lead = static_cast<std::ptrdiff_t>(sequence - position);
      if (lead == 0) {
        // relaxed: the claim orders nothing; what is handed over is ordered by the cell's sequence.
        if (tail_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          ::new (static_cast<void*>(cell.storage)) T(std::move(value));
          cell.sequence.store(position + 1, std::memory_order_release);
          return true;
        }
      } else if (lead < 0) {
        return false;
      } else {
        position = tail_.load(std::memory_order_relaxed);
      }
    }
  }
  bool try_push(const T& value) {
    T copy(value);
    return try_push(std::move(copy));
  }

  // nullopt: empty.
  std::optional<T> try_pop() noexcept {
    std::size_t position = head_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[position & mask_];
      // acquire: pairs with the producer's release, so that the value is seen whole.
      const std::size_t sequence = cell.sequence.load(std::memory_order_acquire);
      const auto lead = static_cast<std::ptrdiff_t>(sequence - (position + 1));
      if (lead == 0) {
        if (head_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          T* slot = std::launder(reinterpret_cast<T*>(cell.storage));
          std::optional<T> value(std::move(*slot));
          slot->~T();
          // The cell is free for the producer of the next lap.
          cell.sequence.store(position + mask_ + 1, std::memory_order_release);
          return value;
        }
      } else if (lead < 0) {
        return std::nullopt;
      } else {
        position = head_.load(std::memory_order_relaxed);
      }
    }
  }

  std::size_t capacity() const noexcept { return mask_ + 1; }

  // Exact while nobody pushes or pops; else a value of about now.
  std::size_t size() const noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    const auto used = static_cast<std::ptrdiff_t>(tail - head);
    if (used <= 0) return 0;
    return static_cast<std::size_t>(used) > capacity() ? capacity() : static_cast<std::size_t>(used);
  }

 private:
  // The usual line of x86-64 and most ARM; std::hardware_destructive_interference_size varies with compiler flags.
  static constexpr std::size_t kCacheLine = 64;

  // A line of its own, so that neighbours under work by different threads do not share one.
  struct alignas(kCacheLine) Cell {
    // == position: free for the producer of that position; == position + 1: filled, for its consumer.
    std::atomic<std::size_t> sequence;
    alignas(T) std::byte storage[sizeof(T)];
  };

  const std::size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  alignas(kCacheLine) std::atomic<std::size_t> tail_{0};
  alignas(kCacheLine) std::atomic<std::size_t> head_{0};
};

}  // namespace imgimport
