// The JPEG that a camera puts into its raw files, so that they can be shown without developing them. A pure function.
#pragma once

#include <cstddef>
#include <span>

namespace imgimport {

struct RawPreview {
  std::span<const std::byte> jpeg;  // the largest one; empty: there is none
  int orientation = 1;              // as in EXIF (1 to 8), of the raw file; 1 where the JPEG says it itself
};

// Reads TIFF's directories (DNG, NEF, ARW, CR2, PEF, SRW, ORF, RW2) and Fuji's header (RAF). Total over all bytes.
RawPreview find_raw_preview(std::span<const std::byte> file);

}  // namespace imgimport
