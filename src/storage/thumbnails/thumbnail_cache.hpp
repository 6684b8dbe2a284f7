// Thumbnails on disk, and which images have none: a folder that anybody may empty at any time.
//
// One file for each object and width, named by the hash of the key; it says itself which bytes of the object it was
// made of, and carries a checksum, so that a half-written or foreign file is merely absent. Files lie in a fixed number
// of folders; when one of these is over its share, its oldest (by last use) go. No list of them is kept in memory.
//
// Threading: every method from any thread; several processes may share the folder.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "imgimport/error.hpp"
#include "imgimport/thumbnails.hpp"

namespace imgimport {

// Of every failure that is remembered.
inline constexpr std::string_view kNoThumbnailRemedy =
    "Show the image itself instead: its content is in the store as it came.";

class ThumbnailCache {
 public:
  // REQUIRES: the clock outlives it. Makes the folder when it is first written to.
  ThumbnailCache(std::filesystem::path folder, std::uint64_t max_bytes, const Clock& clock);

  struct Found {
    std::optional<Thumbnail> thumbnail;
    std::optional<Error> failure;  // one that was remembered, and still holds
    bool nothing() const noexcept { return !thumbnail && !failure; }
  };
  // A folder that cannot be read is empty.
  Found find(const ThumbnailRequest& request) const;

  // What cannot be written is not kept; says so in the log, once until it works again.
  void keep(const ThumbnailRequest& request, const Thumbnail& thumbnail);
  // Of the object, whatever the width.
  void keep_failure(const ThumbnailRequest& request, const Error& failure, std::chrono::milliseconds valid_for);
  void forget(const ObjectKey& key);

  // As far as it is known: counted anew whenever a folder is cleared.
  std::uint64_t bytes() const noexcept;

 private:
  static constexpr std::size_t kFolders = 16;

  struct Share {
    std::mutex clearing;
    // -1: not counted yet. Too great after others have emptied the folder: then it is counted earlier than needed.
    std::atomic<std::int64_t> bytes{-1};
  };
  struct Place {
    std::size_t share = 0;
    std::filesystem::path file;
  };
  Place place_of(const ObjectKey& key, std::string_view what) const;
  void write(const Place& place, std::string_view head, std::string_view body);
  void clear(std::size_t share);
  void note(const std::string& trouble);

  const std::filesystem::path folder_;
  const std::int64_t share_bytes_;
  const Clock& clock_;
  std::array<Share, kFolders> shares_;
  std::atomic<std::uint64_t> next_name_{0};
  std::atomic<bool> in_trouble_{false};
};

}  // namespace imgimport
