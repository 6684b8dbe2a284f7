// What the emulator was asked for and what it gave.
//
// Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "emulators/drive/faults.hpp"

namespace imgimport::emulator {

struct FileCounts {
  std::uint64_t requests = 0;  // for its bytes, refused and broken ones included
  std::uint64_t full = 0;      // answered with all its bytes, unharmed, from the first to the last
  std::uint64_t partial = 0;   // answered by Range
};

struct CounterValues {
  std::uint64_t list = 0;
  std::uint64_t get = 0;
  std::uint64_t download = 0;
  std::uint64_t token = 0;
  std::uint64_t other = 0;
  std::uint64_t units = 0;       // of Drive's quota: list 100, get 5, download 200, other 5
  std::uint64_t body_bytes = 0;  // of downloads, promised
  std::uint64_t full_downloads = 0;
  std::uint64_t downloads_now = 0;
  std::uint64_t max_downloads = 0;  // at once
  std::uint64_t connections_now = 0;
  std::uint64_t max_connections = 0;  // seen open at once when a request came
  std::map<int, std::uint64_t> statuses;
};

class Counters {
 public:
  void request(RequestKind kind);
  void units(std::uint64_t spent) { units_ += spent; }
  void status(int code);
  void connections(std::size_t open);

  void download_asked(const std::string& id);
  void download_promised(std::uint64_t bytes) { body_bytes_ += bytes; }
  void download_full(const std::string& id);
  void download_partial(const std::string& id);
  void download_begins();
  void download_ends() { --downloads_now_; }

  CounterValues values() const;
  FileCounts file(const std::string& id) const;
  std::unordered_map<std::string, FileCounts> files() const;
  void reset();

 private:
  std::array<std::atomic<std::uint64_t>, 6> requests_{};
  std::atomic<std::uint64_t> units_{0};
  std::atomic<std::uint64_t> body_bytes_{0};
  std::atomic<std::uint64_t> full_downloads_{0};
  std::atomic<std::uint64_t> downloads_now_{0};
  std::atomic<std::uint64_t> max_downloads_{0};
  std::atomic<std::uint64_t> connections_now_{0};
  std::atomic<std::uint64_t> max_connections_{0};
  std::array<std::atomic<std::uint64_t>, 600> statuses_{};
  mutable std::mutex mutex_;
  std::unordered_map<std::string, FileCounts> files_;  // guarded by mutex_
};

// What one request costs.
std::uint64_t units_of(RequestKind kind) noexcept;

}  // namespace imgimport::emulator
