#include "emulators/drive/image_facts.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace imgimport::emulator {
namespace {

using namespace std::string_view_literals;

enum class Order : std::uint8_t { kBig = 1, kLittle };

// Reads numbers anywhere; beyond the end they are 0.
class Bytes {
 public:
  Bytes(std::string_view data, Order order) : data_(data), order_(order) {}
  std::size_t size() const { return data_.size(); }
  std::string_view text(std::size_t at, std::size_t length) const {
    return at < data_.size() ? data_.substr(at, length) : std::string_view();
  }
  std::uint32_t number(std::size_t at, std::size_t length) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < length; ++i) {
      const std::size_t from = order_ == Order::kBig ? at + i : at + length - 1 - i;
      value = value << 8 | (from < data_.size() ? static_cast<unsigned char>(data_[from]) : 0u);
    }
    return value;
  }

 private:
  std::string_view data_;
  Order order_;
};

std::int32_t pixels(std::uint32_t value) {
  return static_cast<std::int32_t>(std::min(value, 1'000'000u));
}

// The directories of a TIFF structure, which is what EXIF is.
class Tiff {
 public:
  explicit Tiff(std::string_view data) : bytes_(data, data.starts_with("MM") ? Order::kBig : Order::kLittle) {}

  void read(ImageMetadata& image) {
    read_directory(bytes_.number(4, 4), image, 0);
    if (latitude_ref_ == "S" && image.latitude) image.latitude = -*image.latitude;
    if (longitude_ref_ == "W" && image.longitude) image.longitude = -*image.longitude;
  }

 private:
  static constexpr int kMaxDepth = 3;

  void read_directory(std::size_t at, ImageMetadata& image, int depth) {
    if (at == 0 || at >= bytes_.size() || depth > kMaxDepth) return;
    const std::uint32_t entries = std::min(bytes_.number(at, 2), 500u);
    for (std::uint32_t i = 0; i < entries; ++i) read_entry(at + 2 + 12 * i, image, depth);
  }

  void read_entry(std::size_t at, ImageMetadata& image, int depth) {
    switch (bytes_.number(at, 2)) {
      case 0x0001:
        latitude_ref_ = text(at);
        break;
      case 0x0002:
        image.latitude = degrees(at);
        break;
      case 0x0003:
        longitude_ref_ = text(at);
        break;
      case 0x0004:
        image.longitude = degrees(at);
        break;
      case 0x0100:
        image.width = image.width > 0 ? image.width : pixels(integer(at));
        break;
      case 0x0101:
        image.height = image.height > 0 ? image.height : pixels(integer(at));
        break;
      case 0x010F:
        image.camera_make = text(at);
        break;
      case 0x0110:
        image.camera_model = text(at);
        break;
      case 0x0112:
        image.rotation = quarter_turns(integer(at));
        break;
      case 0x0132:
        if (image.time.empty()) image.time = text(at);
        break;
      case 0x9003:
        image.time = text(at);
        break;
      case 0x8769:
      case 0x8825:
        read_directory(bytes_.number(at + 8, 4), image, depth + 1);
        break;
      default:
        break;
    }
  }

  std::uint32_t integer(std::size_t at) const { return bytes_.number(at + 8, bytes_.number(at + 2, 2) == 3 ? 2 : 4); }
  std::string text(std::size_t at) const {
    const std::uint32_t length = bytes_.number(at + 4, 4);
    const std::string_view raw = bytes_.text(length <= 4 ? at + 8 : bytes_.number(at + 8, 4), std::min(length, 200u));
    return std::string(raw.substr(0, raw.find('\0')));
  }
  std::optional<double> degrees(std::size_t at) const {
    if (bytes_.number(at + 2, 2) != 5) return std::nullopt;
    const std::size_t from = bytes_.number(at + 8, 4);
    double sum = 0;
    double unit = 1;
    for (std::size_t i = 0; i < 3; ++i, unit *= 60) {
      const double divisor = bytes_.number(from + 8 * i + 4, 4);
      if (divisor > 0) sum += bytes_.number(from + 8 * i, 4) / divisor / unit;
    }
    return sum;
  }
  static std::int32_t quarter_turns(std::uint32_t orientation) {
    return orientation == 6 ? 1 : orientation == 3 ? 2 : orientation == 8 ? 3 : 0;
  }

  const Bytes bytes_;
  std::string latitude_ref_;
  std::string longitude_ref_;
};

ImageMetadata read_jpeg(std::string_view data) {
  ImageMetadata image;
  const Bytes bytes(data, Order::kBig);
  for (std::size_t at = 2; at + 4 <= bytes.size();) {
    const std::uint32_t marker = bytes.number(at, 2);
    const std::uint32_t length = bytes.number(at + 2, 2);
    if (marker < 0xFF01 || length < 2) break;
    const bool is_frame =
        marker >= 0xFFC0 && marker <= 0xFFCF && marker != 0xFFC4 && marker != 0xFFC8 && marker != 0xFFCC;
    if (is_frame) {
      image.height = pixels(bytes.number(at + 5, 2));
      image.width = pixels(bytes.number(at + 7, 2));
      break;
    }
    const std::string_view segment = bytes.text(at + 4, length - 2);
    if (marker == 0xFFE1 && segment.starts_with("Exif\0\0"sv)) Tiff(segment.substr(6)).read(image);
    at += 2 + length;
  }
  return image;
}

ImageMetadata read_webp(std::string_view data) {
  const Bytes bytes(data, Order::kLittle);
  const std::string_view kind = bytes.text(12, 4);
  if (kind == "VP8X") return {.width = pixels(bytes.number(24, 3) + 1), .height = pixels(bytes.number(27, 3) + 1)};
  if (kind == "VP8L") {
    const std::uint32_t bits = bytes.number(21, 4);
    return {.width = pixels((bits & 0x3FFF) + 1), .height = pixels((bits >> 14 & 0x3FFF) + 1)};
  }
  return {.width = pixels(bytes.number(26, 2) & 0x3FFF), .height = pixels(bytes.number(28, 2) & 0x3FFF)};
}

// Each picture of the file (tiles and thumbnails too) has an 'ispe' box; the whole one is the largest.
ImageMetadata read_heif(std::string_view data) {
  ImageMetadata image;
  const Bytes bytes(data, Order::kBig);
  for (std::size_t at = data.find("ispe"); at != std::string_view::npos; at = data.find("ispe", at + 4)) {
    const std::int32_t width = pixels(bytes.number(at + 8, 4));
    if (width <= image.width) continue;
    image.width = width;
    image.height = pixels(bytes.number(at + 12, 4));
  }
  return image;
}

}  // namespace

std::optional<ImageMetadata> read_image_facts(std::string_view head) {
  ImageMetadata image;
  // A head may be shorter than where a format has its name.
  const Bytes anywhere(head, Order::kBig);
  if (head.starts_with("\xFF\xD8\xFF")) {
    image = read_jpeg(head);
  } else if (head.starts_with("\x89PNG\r\n\x1A\n")) {
    const Bytes bytes(head, Order::kBig);
    image = {.width = pixels(bytes.number(16, 4)), .height = pixels(bytes.number(20, 4))};
  } else if (head.starts_with("GIF8")) {
    const Bytes bytes(head, Order::kLittle);
    image = {.width = pixels(bytes.number(6, 2)), .height = pixels(bytes.number(8, 2))};
  } else if (head.starts_with("RIFF") && anywhere.text(8, 4) == "WEBP") {
    image = read_webp(head);
  } else if (head.starts_with("II*\0"sv) || head.starts_with("MM\0*"sv)) {
    Tiff(head).read(image);
  } else if (anywhere.text(4, 4) == "ftyp") {
    image = read_heif(head);
  }
  if (image.width <= 0 || image.height <= 0) return std::nullopt;
  return image;
}

}  // namespace imgimport::emulator
