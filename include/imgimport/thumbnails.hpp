// Small versions of stored images: made when first asked for, kept, and made again when they are gone.
// Implementations: the storage service's own, a client of it in another process, memory (tests).
//
// Threading: every method from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "imgimport/call_context.hpp"
#include "imgimport/ids.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// The widths there are, in pixels. Others are rounded up, so that what is kept of an image is bounded.
inline constexpr std::array<std::uint32_t, 5> kThumbnailWidths = {160, 320, 640, 1280, 2048};
inline constexpr std::uint32_t kDefaultThumbnailWidth = 320;

// The least of kThumbnailWidths that is not smaller. REQUIRES: width <= the last of them
constexpr std::uint32_t thumbnail_width_for(std::uint32_t width) {
  for (const std::uint32_t one : kThumbnailWidths) {
    if (one >= width) return one;
  }
  return kThumbnailWidths.back();
}

struct ThumbnailRequest {
  ObjectKey key;
  // Which bytes the key held when the record was written: their hash, or the store's tag. What is kept of other bytes
  // is not given out.
  std::string version;
  std::string mime_type;  // as in the record; tells raw formats apart
  std::uint32_t width = kDefaultThumbnailWidth;
};

// At most as wide as asked for and twice as high, never larger than the image; upright; in sRGB; without metadata.
struct Thumbnail {
  std::string content_type;
  std::shared_ptr<const std::string> bytes;
};

// Errors common to all methods: kUnsupported, for good or for a time, where no thumbnail can be made of this image
// (reasons thumbnail_unsupported: no format of ours; thumbnail_damaged; thumbnail_too_large: in bytes or pixels;
// thumbnail_failed: decoding it crashed or took too long); kUnsupported with reason thumbnails_off: of none;
// kUnavailable: the store or the service is away.
class Thumbnails {
 public:
  using Done = std::function<void(Result<Thumbnail>)>;

  virtual ~Thumbnails() = default;

  // What is kept: a thumbnail, or the error of an image that none can be made of; nullopt: it has to be made.
  // Blocks for a file or a short call to another process.
  virtual Result<std::optional<Thumbnail>> find(const CallContext& context, const ThumbnailRequest& request) = 0;

  // Makes it, unless it is there or being made already. Never blocks; `done` is called exactly once, on a thread of
  // the implementation or on the caller's. An image whose askers have all gone (context.stop, deadline) is not begun.
  // kNotFound: no such object. kUnavailable with reason thumbnails_busy and retry_after: too many are waiting.
  virtual void make(const CallContext& context, const ThumbnailRequest& request, Done done) = 0;

  // The object is gone: so is what was kept of it. Safe to repeat.
  virtual Result<void> forget(const CallContext& context, const ObjectKey& key) = 0;
};

}  // namespace imgimport
