// Decodes and shrinks with libvips, in this very process: for the decoder process only (decoder_main.hpp).
//
// Threading: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "imaging/picture.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

class VipsShrinker {
 public:
  // Loads and starts libvips. It stays until the process ends. kMisconfigured (no_decoder): it is not installed.
  // Everything but JPEG, PNG, WebP, GIF, TIFF and HEIF (HEIC, AVIF) is blocked, as are the loaders that libvips calls
  // untrusted.
  static Result<VipsShrinker> load();

  // Decodes no more of the image than the size asked for needs, where the format allows that; the first frame of
  // an animation; upright by its EXIF orientation; transparency is kept.
  // kUnsupported: no format of ours; kTooLarge: more than `max_pixels`; kCorrupt: broken or cut off.
  Result<Picture> shrink(std::span<const std::byte> image, const ShrinkOrder& order, std::uint64_t max_pixels) const;

 private:
  VipsShrinker() = default;
};

}  // namespace imgimport
