// The container of a WebP. A pure function.
#pragma once

#include <string>
#include <string_view>

namespace imgimport {

// The same still picture without profile, EXIF, XMP and whatever else is no picture. libvips 8.14 writes EXIF of eight
// kilobytes, "strip" or not. What is no WebP comes back as it is.
// https://developers.google.com/speed/webp/docs/riff_container
std::string webp_without_metadata(std::string_view webp);

}  // namespace imgimport
