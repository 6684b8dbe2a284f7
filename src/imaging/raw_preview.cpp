#include "imaging/raw_preview.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "base/text.hpp"

namespace imgimport {
namespace {

using namespace std::string_view_literals;

// Real files have a handful of each.
constexpr std::size_t kMaxDirectories = 32;
constexpr std::size_t kMaxEntries = 1024;
constexpr std::size_t kMaxValues = 16;
constexpr std::size_t kMaxSegments = 64;

// TIFF 6.0 and its supplement; 0x2e is Panasonic's (https://exiftool.org/TagNames/PanasonicRaw.html).
enum Tag : std::uint16_t {
  kJpegFromRaw = 0x002e,
  kStripOffsets = 0x0111,
  kOrientation = 0x0112,
  kStripByteCounts = 0x0117,
  kSubDirectories = 0x014a,
  kJpegOffset = 0x0201,
  kJpegLength = 0x0202,
};

// Numbers of a file in its byte order; nullopt behind its end.
class Numbers {
 public:
  Numbers(std::span<const std::byte> file, bool big) : file_(file), big_(big) {}

  std::optional<std::uint32_t> at(std::uint64_t offset, std::size_t width) const {
    if (offset > file_.size() || file_.size() - offset < width) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t place = big_ ? i : width - 1 - i;
      value = (value << 8) | std::to_integer<std::uint32_t>(file_[static_cast<std::size_t>(offset) + place]);
    }
    return value;
  }
  std::span<const std::byte> part(std::uint64_t offset, std::uint64_t length) const {
    if (offset >= file_.size()) return {};
    return file_.subspan(static_cast<std::size_t>(offset),
                         static_cast<std::size_t>(std::min<std::uint64_t>(length, file_.size() - offset)));
  }

 private:
  std::span<const std::byte> file_;
  bool big_;
};

// Of the segments before the picture's own: whether it can be shown (raw data itself may be a lossless JPEG), and
// whether it says which way is up.
struct JpegFacts {
  bool is_shown = false;
  bool has_exif = false;
};

JpegFacts jpeg_facts(std::span<const std::byte> jpeg) {
  const Numbers numbers(jpeg, true);
  JpegFacts facts;
  if (!as_text(jpeg).starts_with("\xff\xd8\xff"sv)) return facts;
  std::uint64_t at = 2;
  for (std::size_t i = 0; i < kMaxSegments; ++i) {
    const auto marker = numbers.at(at, 2);
    const auto length = numbers.at(at + 2, 2);
    if (!marker || !length || (*marker >> 8) != 0xff || *length < 2) return facts;
    if (*marker == 0xffe1 && as_text(numbers.part(at + 4, 6)) == "Exif\0\0"sv) facts.has_exif = true;
    const bool is_frame = *marker >= 0xffc0 && *marker <= 0xffcf && *marker != 0xffc4 && *marker != 0xffc8;
    if (is_frame) {
      facts.is_shown = *marker <= 0xffc2;  // baseline, extended, progressive
      return facts;
    }
    at += 2 + *length;
  }
  return facts;
}

class TiffWalk {
 public:
  explicit TiffWalk(std::span<const std::byte> file, bool big) : numbers_(file, big) {}

  RawPreview largest() {
    if (const auto first = numbers_.at(4, 4)) waiting_.push_back(*first);
    while (!waiting_.empty() && seen_.size() < kMaxDirectories) {
      const std::uint32_t offset = waiting_.back();
      waiting_.pop_back();
      if (offset != 0 && seen_.insert(offset).second) read_directory(offset);
    }
    if (!best_.jpeg.empty() && !jpeg_facts(best_.jpeg).has_exif) best_.orientation = orientation_.value_or(1);
    return best_;
  }

 private:
  struct Place {
    std::optional<std::uint32_t> offset;
    std::optional<std::uint32_t> length;
  };

  void read_directory(std::uint32_t offset) {
    const auto count = numbers_.at(offset, 2);
    if (!count || *count > kMaxEntries) return;
    Place jpeg;
    Place strip;
    for (std::uint32_t i = 0; i < *count; ++i) {
      const std::uint64_t entry = std::uint64_t{offset} + 2 + std::uint64_t{i} * 12;
      const auto tag = numbers_.at(entry, 2);
      const auto values = numbers_.at(entry + 4, 4);
      if (!tag || !values) return;
      switch (*tag) {
        case kOrientation:
          if (const auto value = first_value(entry); value && *value >= 1 && *value <= 8 && !orientation_) {
            orientation_ = static_cast<int>(*value);
          }
          break;
        case kJpegOffset:
          jpeg.offset = first_value(entry);
          break;
        case kJpegLength:
          jpeg.length = first_value(entry);
          break;
        // A picture in several strips is no JPEG.
        case kStripOffsets:
          if (*values == 1) strip.offset = first_value(entry);
          break;
        case kStripByteCounts:
          if (*values == 1) strip.length = first_value(entry);
          break;
        case kJpegFromRaw:
          consider({numbers_.at(entry + 8, 4), *values});
          break;
        case kSubDirectories:
          add_sub_directories(entry, *values);
          break;
        default:
          break;
      }
    }
    consider(jpeg);
    consider(strip);
    if (const auto next = numbers_.at(std::uint64_t{offset} + 2 + std::uint64_t{*count} * 12, 4)) {
      waiting_.push_back(*next);
    }
  }

  // SHORT (3) or LONG (4).
  std::optional<std::uint32_t> first_value(std::uint64_t entry) const {
    return numbers_.at(entry + 8, numbers_.at(entry + 2, 2) == 3u ? 2 : 4);
  }

  void add_sub_directories(std::uint64_t entry, std::uint32_t count) {
    if (count > kMaxValues) return;
    const auto list = numbers_.at(entry + 8, 4);
    if (!list) return;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto offset = count == 1 ? list : numbers_.at(std::uint64_t{*list} + std::uint64_t{i} * 4, 4);
      if (offset) waiting_.push_back(*offset);
    }
  }

  void consider(const Place& place) {
    if (!place.offset || !place.length) return;
    const auto jpeg = numbers_.part(*place.offset, *place.length);
    if (jpeg.size() > best_.jpeg.size() && jpeg_facts(jpeg).is_shown) best_.jpeg = jpeg;
  }

  const Numbers numbers_;
  std::vector<std::uint32_t> waiting_;
  std::set<std::uint32_t> seen_;
  std::optional<int> orientation_;
  RawPreview best_;
};

// https://libopenraw.freedesktop.org/formats/raf/
RawPreview fuji_preview(std::span<const std::byte> file) {
  const Numbers numbers(file, true);
  const auto offset = numbers.at(84, 4);
  const auto length = numbers.at(88, 4);
  if (!offset || !length) return {};
  const auto jpeg = numbers.part(*offset, *length);
  return jpeg_facts(jpeg).is_shown ? RawPreview{jpeg, 1} : RawPreview{};
}

}  // namespace

RawPreview find_raw_preview(std::span<const std::byte> file) {
  const std::string_view text = as_text(file);
  if (text.starts_with("FUJIFILMCCD-RAW")) return fuji_preview(file);
  if (text.starts_with("II")) return TiffWalk(file, false).largest();
  if (text.starts_with("MM")) return TiffWalk(file, true).largest();
  return {};
}

}  // namespace imgimport
