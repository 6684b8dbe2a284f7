// Width, height and EXIF of a picture, as Drive would tell them in imageMediaMetadata: JPEG, PNG, GIF, WebP, TIFF and
// HEIC/AVIF. A reader of headers, no decoder. Pure.
#pragma once

#include <string_view>

#include "emulators/drive/drive_item.hpp"

namespace imgimport::emulator {

// `head` is the beginning of the file (TIFF: the whole file). nullopt: no picture, or none that it can read.
std::optional<ImageMetadata> read_image_facts(std::string_view head);

}  // namespace imgimport::emulator
