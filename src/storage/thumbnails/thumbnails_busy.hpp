// When those who wait for a thumbnail are too many, wherever they wait.
#pragma once

#include <cstddef>

#include "imgimport/error.hpp"

namespace imgimport {

inline constexpr std::size_t kMostThumbnailAskers = 512;

// kUnavailable (thumbnails_busy), with the time after which to ask again.
Error thumbnails_busy();

}  // namespace imgimport
