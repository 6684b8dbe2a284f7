#include "emulators/drive/counters.hpp"

namespace imgimport::emulator {
namespace {

void raise_to(std::atomic<std::uint64_t>& highest, std::uint64_t value) {
  std::uint64_t known = highest.load();
  while (known < value && !highest.compare_exchange_weak(known, value)) {
  }
}

}  // namespace

std::uint64_t units_of(RequestKind kind) noexcept {
  switch (kind) {
    case RequestKind::kList:
      return 100;
    case RequestKind::kDownload:
      return 200;
    case RequestKind::kToken:
      return 0;
    case RequestKind::kGet:
    case RequestKind::kOther:
      return 5;
  }
  return 5;
}

void Counters::request(RequestKind kind) {
  ++requests_[static_cast<std::size_t>(kind)];
}

void Counters::status(int code) {
  if (code >= 0 && code < static_cast<int>(statuses_.size())) ++statuses_[static_cast<std::size_t>(code)];
}

void Counters::connections(std::size_t open) {
  connections_now_ = open;
  raise_to(max_connections_, open);
}

void Counters::download_asked(const std::string& id) {
  const std::lock_guard lock(mutex_);
  ++files_[id].requests;
}

void Counters::download_full(const std::string& id) {
  ++full_downloads_;
  const std::lock_guard lock(mutex_);
  ++files_[id].full;
}

void Counters::download_partial(const std::string& id) {
  const std::lock_guard lock(mutex_);
  ++files_[id].partial;
}

void Counters::download_begins() {
  raise_to(max_downloads_, ++downloads_now_);
}

CounterValues Counters::values() const {
  const auto count = [&](RequestKind kind) { return requests_[static_cast<std::size_t>(kind)].load(); };
  CounterValues values{.list = count(RequestKind::kList),
                       .get = count(RequestKind::kGet),
                       .download = count(RequestKind::kDownload),
                       .token = count(RequestKind::kToken),
                       .other = count(RequestKind::kOther),
                       .units = units_,
                       .body_bytes = body_bytes_,
                       .full_downloads = full_downloads_,
                       .downloads_now = downloads_now_,
                       .max_downloads = max_downloads_,
                       .connections_now = connections_now_,
                       .max_connections = max_connections_};
  for (std::size_t code = 0; code < statuses_.size(); ++code) {
    if (const std::uint64_t n = statuses_[code]; n > 0) values.statuses[static_cast<int>(code)] = n;
  }
  return values;
}

FileCounts Counters::file(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(id);
  return found == files_.end() ? FileCounts{} : found->second;
}

std::unordered_map<std::string, FileCounts> Counters::files() const {
  const std::lock_guard lock(mutex_);
  return files_;
}

void Counters::reset() {
  for (auto& count : requests_) count = 0;
  for (auto& count : statuses_) count = 0;
  units_ = body_bytes_ = full_downloads_ = 0;
  max_downloads_ = downloads_now_.load();
  max_connections_ = connections_now_.load();
  const std::lock_guard lock(mutex_);
  files_.clear();
}

}  // namespace imgimport::emulator
