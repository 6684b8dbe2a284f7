#include "storage/thumbnails/thumbnail_cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/unique_fd.hpp"
#include "crypto/hash.hpp"
#include "storage/local/posix_file.hpp"

namespace imgimport {
namespace {

namespace fs = std::filesystem;

// The first line of a file; goes up when thumbnails are made in another way.
constexpr std::string_view kMark = "imgimport thumbnail 1";
constexpr std::string_view kFailureName = "none";
constexpr std::string_view kPartSuffix = ".part";
constexpr std::uint64_t kMaxFileBytes = 32u << 20;
// So often at most is a file's last use written down: a write for each time it is shown would cost more than it tells.
constexpr std::chrono::hours kTouchEvery{1};
constexpr std::chrono::hours kPartIsDeadAfter{1};

// The head of a file, line by line; the body follows.
struct Entry {
  std::string_view version;
  std::string_view kind;  // a content type, or the reason of a failure
  std::string_view extra;
  std::string_view body;
};

std::string head_of(std::string_view version, std::string_view kind, std::string_view extra, std::string_view body) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n", kMark, version, kind, extra, sha256_hex(body));
}

std::optional<Entry> parse(std::string_view text) {
  const auto line = [&text]() -> std::optional<std::string_view> {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view found = text.substr(0, end);
    text.remove_prefix(end + 1);
    return found;
  };
  const auto mark = line();
  const auto version = line();
  const auto kind = line();
  const auto extra = line();
  const auto checksum = line();
  if (!checksum || *mark != kMark || sha256_hex(text) != *checksum) return std::nullopt;
  return Entry{*version, *kind, *extra, text};
}

// Of any version: one line, whatever the store's tags look like.
std::string version_of(const ThumbnailRequest& request) {
  return sha256_hex(request.version);
}

struct Read {
  std::string text;
  std::int64_t used_at = 0;  // seconds
};

std::optional<Read> read_file(const fs::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if (status.st_size <= 0 || static_cast<std::uint64_t>(status.st_size) > kMaxFileBytes) return std::nullopt;
  Read read;
  read.used_at = status.st_mtim.tv_sec;
  read.text.resize(static_cast<std::size_t>(status.st_size));
  std::size_t got = 0;
  while (got < read.text.size()) {
    const ssize_t count = ::read(file.get(), read.text.data() + got, read.text.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    got += static_cast<std::size_t>(count);
  }
  return read;
}

std::int64_t seconds_of(Timestamp time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

void touch(const fs::path& path, Timestamp now) {
  const timespec time{static_cast<time_t>(seconds_of(now)), 0};
  const std::array<timespec, 2> times = {time, time};
  static_cast<void>(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW));
}

}  // namespace

ThumbnailCache::ThumbnailCache(fs::path folder, std::uint64_t max_bytes, const Clock& clock)
    : folder_(std::move(folder)), share_bytes_(static_cast<std::int64_t>(max_bytes / kFolders)), clock_(clock) {}

ThumbnailCache::Place ThumbnailCache::place_of(const ObjectKey& key, std::string_view what) const {
  const std::string hash = sha256_hex(key.value());
  const std::string_view digit = std::string_view(hash).substr(0, 1);
  std::size_t share = 0;
  std::from_chars(digit.data(), digit.data() + 1, share, 16);
  return {share, folder_ / digit / fmt::format("{}-{}", std::string_view(hash).substr(1, 40), what)};
}

ThumbnailCache::Found ThumbnailCache::find(const ThumbnailRequest& request) const {
  Found found;
  const std::string version = version_of(request);
  const Place place = place_of(request.key, std::to_string(request.width));
  if (auto read = read_file(place.file)) {
    const auto entry = parse(read->text);
    if (entry && entry->version == version) {
      const Timestamp now = clock_.now();
      if (seconds_of(now) - read->used_at > std::chrono::seconds(kTouchEvery).count()) touch(place.file, now);
      found.thumbnail.emplace();
      found.thumbnail->content_type = std::string(entry->kind);
      found.thumbnail->bytes = std::make_shared<const std::string>(entry->body);
      return found;
    }
  }
  const auto read = read_file(place_of(request.key, kFailureName).file);
  const auto entry = read ? parse(read->text) : std::nullopt;
  if (!entry || entry->version != version) return found;
  std::int64_t until = 0;
  std::from_chars(entry->extra.data(), entry->extra.data() + entry->extra.size(), until);
  if (seconds_of(clock_.now()) >= until) return found;
  found.failure = Error(ErrorCode::kUnsupported, std::string(entry->body))
                      .with_reason(std::string(entry->kind))
                      .with_remedy(std::string(kNoThumbnailRemedy));
  return found;
}

void ThumbnailCache::keep(const ThumbnailRequest& request, const Thumbnail& thumbnail) {
  write(place_of(request.key, std::to_string(request.width)),
        head_of(version_of(request), thumbnail.content_type, "", *thumbnail.bytes), *thumbnail.bytes);
}

void ThumbnailCache::keep_failure(const ThumbnailRequest& request, const Error& failure,
                                  std::chrono::milliseconds valid_for) {
  const std::string until = std::to_string(seconds_of(clock_.now() + valid_for));
  write(place_of(request.key, kFailureName), head_of(version_of(request), failure.reason(), until, failure.message()),
        failure.message());
}

void ThumbnailCache::forget(const ObjectKey& key) {
  ::unlink(place_of(key, kFailureName).file.c_str());
  for (const std::uint32_t width : kThumbnailWidths) ::unlink(place_of(key, std::to_string(width)).file.c_str());
}

// Beside its place and renamed: a reader sees all of it or none. Not synced: what a power cut takes is made again.
void ThumbnailCache::write(const Place& place, std::string_view head, std::string_view body) {
  const fs::path folder = place.file.parent_path();
  const fs::path part =
      folder / fmt::format("{}-{}{}", ::getpid(), next_name_.fetch_add(1, std::memory_order_relaxed), kPartSuffix);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return note(error.message());
  UniqueFd file(::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) return note(std::generic_category().message(errno));
  int failed = write_all(file.get(), std::as_bytes(std::span(head)));
  if (failed == 0) failed = write_all(file.get(), std::as_bytes(std::span(body)));
  if (const int closed = file.close(); failed == 0) failed = closed;
  if (failed == 0 && ::rename(part.c_str(), place.file.c_str()) != 0) failed = errno;
  if (failed != 0) {
    ::unlink(part.c_str());
    return note(std::generic_category().message(failed));
  }
  touch(place.file, clock_.now());
  in_trouble_.store(false, std::memory_order_relaxed);
  Share& share = shares_[place.share];
  const std::int64_t known = share.bytes.load();
  if (known >= 0) share.bytes += static_cast<std::int64_t>(head.size() + body.size());
  if (known < 0 || share.bytes.load() > share_bytes_) clear(place.share);
}

void ThumbnailCache::note(const std::string& trouble) {
  if (in_trouble_.exchange(true, std::memory_order_relaxed)) return;
  log_warning("thumbnails cannot be kept", {{"folder", folder_.string()}, {"error", trouble}});
}

// Counts one folder; where it is over its share, a tenth more than that goes, so that it is not counted at each write.
void ThumbnailCache::clear(std::size_t index) {
  Share& share = shares_[index];
  const std::unique_lock lock(share.clearing, std::try_to_lock);
  if (!lock.owns_lock()) return;
  struct File {
    std::int64_t used_at;
    std::int64_t bytes;
    std::string name;
  };
  std::vector<File> files;
  std::int64_t total = 0;
  const fs::path folder = folder_ / fmt::format("{:x}", index);
  const std::int64_t part_is_dead = seconds_of(clock_.now()) - std::chrono::seconds(kPartIsDeadAfter).count();
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    struct stat status {};
    if (::lstat(it->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    std::string name = it->path().filename().string();
    if (name.ends_with(kPartSuffix)) {
      if (status.st_mtim.tv_sec < part_is_dead) ::unlink(it->path().c_str());
      continue;
    }
    files.push_back({status.st_mtim.tv_sec, status.st_size, std::move(name)});
    total += status.st_size;
  }
  if (total > share_bytes_) {
    std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.used_at < b.used_at; });
    for (const File& file : files) {
      if (total <= share_bytes_ - share_bytes_ / 10) break;
      if (::unlink((folder / file.name).c_str()) == 0 || errno == ENOENT) total -= file.bytes;
    }
  }
  share.bytes = total;
}

std::uint64_t ThumbnailCache::bytes() const noexcept {
  std::int64_t total = 0;
  for (const Share& share : shares_) total += std::max<std::int64_t>(share.bytes.load(), 0);
  return static_cast<std::uint64_t>(total);
}

}  // namespace imgimport
