#include "base/image_type.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.hpp"

namespace imgimport {
namespace {

using namespace std::string_view_literals;

// The bytes as characters: magic numbers read best as text.
bool has_at(std::string_view data, std::size_t offset, std::string_view expected) noexcept {
  return data.size() >= offset + expected.size() && data.substr(offset, expected.size()) == expected;
}

enum class ByteOrder { kLittle, kBig };

// REQUIRES: offset + width <= data.size()
std::uint32_t number_at(std::string_view data, std::size_t offset, std::size_t width, ByteOrder order) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t at = order == ByteOrder::kBig ? offset + i : offset + width - 1 - i;
    value = (value << 8) | static_cast<unsigned char>(data[at]);
  }
  return value;
}

std::string extension_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string() : to_lower_ascii(trim(name.substr(dot + 1)));
}

// "image/jpeg; charset=binary" → "image/jpeg"
std::string essence_of(std::string_view mime_type) {
  return to_lower_ascii(trim(mime_type.substr(0, mime_type.find(';'))));
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view word) noexcept {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Magic numbers that decide alone. Sources: the formats' specifications; for the raw ones LibRaw and ExifTool's pages.
struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view mime_type;
};
constexpr std::array kMagics = {
    Magic{0, "\xff\xd8\xff"sv, "image/jpeg"},
    Magic{0, "\x89PNG\r\n\x1a\n"sv, "image/png"},
    Magic{0, "GIF87a"sv, "image/gif"},
    Magic{0, "GIF89a"sv, "image/gif"},
    Magic{0, "8BPS\0\x01"sv, "image/vnd.adobe.photoshop"},
    Magic{0, "8BPS\0\x02"sv, "image/vnd.adobe.photoshop"},
    Magic{0, "FUJIFILMCCD-RAW"sv, "image/x-fuji-raf"},
    Magic{0, "IIRO\x08\0"sv, "image/x-olympus-orf"},
    Magic{0, "IIRS\x08\0"sv, "image/x-olympus-orf"},
    Magic{0, "MMOR\0\0"sv, "image/x-olympus-orf"},
    Magic{0, "IIU\0"sv, "image/x-panasonic-rw2"},
    Magic{0, "\0\0\0\x0cJXL \r\n\x87\n"sv, "image/jxl"},
    Magic{0, "\xff\x0a"sv, "image/jxl"},
    Magic{0, "\0\0\0\x0cjP  \r\n\x87\n"sv, "image/jp2"},
    Magic{0, "\xff\x4f\xff\x51"sv, "image/j2c"},
};

bool is_webp(std::string_view data) noexcept {
  return has_at(data, 0, "RIFF") && has_at(data, 8, "WEBP");
}

// "BM" alone is too common a beginning of text: the size of the second header must be one that exists.
bool is_bmp(std::string_view data) noexcept {
  if (!has_at(data, 0, "BM") || data.size() < 18) return false;
  constexpr std::array<std::uint32_t, 8> kHeaderSizes = {12, 16, 40, 52, 56, 64, 108, 124};
  const std::uint32_t size = number_at(data, 14, 4, ByteOrder::kLittle);
  return std::find(kHeaderSizes.begin(), kHeaderSizes.end(), size) != kHeaderSizes.end();
}

// Four almost empty bytes need more: the first entry must be sound.
bool is_ico(std::string_view data) noexcept {
  if (!has_at(data, 0, "\0\0\x01\0"sv) || data.size() < 22) return false;
  const std::uint32_t count = number_at(data, 4, 2, ByteOrder::kLittle);
  const std::uint32_t planes = number_at(data, 10, 2, ByteOrder::kLittle);
  const std::uint32_t bits = number_at(data, 12, 2, ByteOrder::kLittle);
  const std::uint32_t offset = number_at(data, 18, 4, ByteOrder::kLittle);
  return count > 0 && data[9] == 0 && planes <= 1 && bits <= 32 && offset >= 6 + 16 * count;
}

// ISO base media files name what they are in their first box: a major brand and those it is compatible with
// (ISO/IEC 14496-12 §4.3, 23008-12; https://mp4ra.org/registered-types/brands).
std::optional<std::string_view> mime_of_brand(std::string_view brand) noexcept {
  if (brand == "crx ") return "image/x-canon-cr3";
  if (brand == "avif" || brand == "avis") return "image/avif";
  if (brand == "heic" || brand == "heix" || brand == "heim" || brand == "heis") return "image/heic";
  if (brand == "hevc" || brand == "hevx" || brand == "hevm" || brand == "hevs") return "image/heic-sequence";
  return std::nullopt;
}

std::optional<std::string_view> sniff_ftyp(std::string_view data) noexcept {
  if (!has_at(data, 4, "ftyp") || data.size() < 12) return std::nullopt;
  const std::string_view major = data.substr(8, 4);
  if (const auto mime = mime_of_brand(major)) return mime;
  const std::size_t end = std::min<std::size_t>(data.size(), number_at(data, 0, 4, ByteOrder::kBig));
  std::optional<std::string_view> compatible;
  bool heif = false;
  bool film = false;
  for (std::size_t at = 16; at + 4 <= end; at += 4) {
    const std::string_view brand = data.substr(at, 4);
    if (!compatible) compatible = mime_of_brand(brand);
    heif = heif || brand == "mif1" || brand == "msf1" || brand == "mif2" || brand == "heif";
    film = film || brand.starts_with("iso") || brand.starts_with("mp4") || brand == "qt  " || brand.starts_with("avc");
  }
  if (major == "mif1" || major == "msf1" || major == "mif2" || major == "heif") {
    return compatible ? compatible : "image/heif";
  }
  // An unknown major brand is an image only where nothing speaks for a film.
  if (film || major.starts_with("mp4") || major.starts_with("iso") || major == "qt  ") return std::nullopt;
  if (compatible) return compatible;
  return heif ? std::optional("image/heif"sv) : std::nullopt;
}

// Raw formats that are TIFF inside, with what declares them.
struct TiffRaw {
  std::string_view mime_type;
  std::string_view extensions;  // each between spaces
  std::string_view aliases;     // declared types in use, each between spaces
};
constexpr std::array kTiffRaws = {
    TiffRaw{"image/x-adobe-dng", " dng ", " image/x-adobe-dng image/dng image/x-dng "},
    TiffRaw{"image/x-canon-cr2", " cr2 ", " image/x-canon-cr2 image/x-dcraw-cr2 "},
    TiffRaw{"image/x-nikon-nef", " nef nrw ", " image/x-nikon-nef image/x-nikon-nrw "},
    TiffRaw{"image/x-sony-arw", " arw sr2 srf ", " image/x-sony-arw image/x-sony-sr2 image/x-sony-srf "},
    TiffRaw{"image/x-pentax-pef", " pef ", " image/x-pentax-pef "},
    TiffRaw{"image/x-samsung-srw", " srw ", " image/x-samsung-srw "},
    TiffRaw{"image/x-hasselblad-3fr", " 3fr ", " image/x-hasselblad-3fr "},
    TiffRaw{"image/x-epson-erf", " erf ", " image/x-epson-erf "},
    TiffRaw{"image/x-kodak-dcr", " dcr kdc ", " image/x-kodak-dcr image/x-kodak-kdc "},
};

bool lists(std::string_view words, std::string_view word) {
  return !word.empty() && words.find(" " + std::string(word) + " ") != std::string_view::npos;
}

std::optional<std::string_view> declared_raw(std::string_view mime_type, std::string_view name) {
  const std::string essence = essence_of(mime_type);
  const std::string extension = extension_of(name);
  for (const TiffRaw& raw : kTiffRaws) {
    if (lists(raw.aliases, essence) || lists(raw.extensions, extension)) return raw.mime_type;
  }
  return std::nullopt;
}

// What the first directory of a TIFF says, as far as it lies within the bytes at hand.
struct TiffTags {
  std::string make;
  bool has_sub_directories = false;
  bool has_dng_version = false;
};

TiffTags read_tiff_tags(std::string_view data, ByteOrder order) {
  constexpr std::uint32_t kMake = 0x010f;
  constexpr std::uint32_t kSubIfds = 0x014a;
  constexpr std::uint32_t kDngVersion = 0xc612;
  constexpr std::size_t kEntryBytes = 12;
  TiffTags tags;
  const std::size_t directory = number_at(data, 4, 4, order);
  if (directory + 2 > data.size()) return tags;
  const std::uint32_t count = number_at(data, directory, 2, order);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t entry = directory + 2 + i * kEntryBytes;
    if (entry + kEntryBytes > data.size()) break;
    const std::uint32_t tag = number_at(data, entry, 2, order);
    tags.has_sub_directories |= tag == kSubIfds;
    tags.has_dng_version |= tag == kDngVersion;
    if (tag == kMake) {
      const std::size_t length = number_at(data, entry + 4, 4, order);
      const std::size_t at = length <= 4 ? entry + 8 : number_at(data, entry + 8, 4, order);
      if (at < data.size()) tags.make = to_lower_ascii(data.substr(at, std::min<std::size_t>(length, 32)));
    }
  }
  return tags;
}

std::optional<std::string_view> sniff_tiff(std::string_view data, std::string_view mime_type, std::string_view name) {
  const bool little = has_at(data, 0, "II*\0"sv);
  const bool big = has_at(data, 0, "MM\0*"sv);
  if (has_at(data, 0, "II+\0\x08\0\0\0"sv) || has_at(data, 0, "MM\0+\0\x08\0\0"sv)) return "image/tiff";
  if ((!little && !big) || data.size() < 8) return std::nullopt;
  if (has_at(data, 8, "CR\x02")) return "image/x-canon-cr2";
  const TiffTags tags = read_tiff_tags(data, little ? ByteOrder::kLittle : ByteOrder::kBig);
  if (tags.has_dng_version) return "image/x-adobe-dng";
  if (const auto raw = declared_raw(mime_type, name)) return raw;
  // Cameras put the raw picture beside its previews into sub-directories; a TIFF saved by a program has none.
  if (tags.has_sub_directories) {
    if (tags.make.starts_with("nikon")) return "image/x-nikon-nef";
    if (tags.make.starts_with("sony")) return "image/x-sony-arw";
    if (tags.make.starts_with("samsung")) return "image/x-samsung-srw";
  }
  return "image/tiff";
}

// The beginning as ASCII, lower case, without a byte order mark; UTF-16 comes down to its low bytes.
std::string as_markup(std::string_view data) {
  if (data.starts_with("\xef\xbb\xbf")) return to_lower_ascii(data.substr(3));
  const bool little = data.starts_with("\xff\xfe");
  if (!little && !data.starts_with("\xfe\xff")) return to_lower_ascii(data);
  std::string narrow;
  for (std::size_t i = 2; i + 1 < data.size(); i += 2) {
    const char low = data[little ? i : i + 1];
    const char high = data[little ? i + 1 : i];
    narrow += high == 0 ? low : '?';
  }
  return to_lower_ascii(narrow);
}

std::string_view skip_past(std::string_view text, std::string_view end) noexcept {
  const std::size_t at = text.find(end);
  return at == std::string_view::npos ? std::string_view() : text.substr(at + end.size());
}

// A doctype may hold declarations in brackets, with ">" inside.
std::string_view skip_doctype(std::string_view text) noexcept {
  const std::size_t close = text.find('>');
  const std::size_t bracket = text.find('[');
  if (bracket < close) return skip_past(skip_past(text, "]"), ">");
  return skip_past(text, ">");
}

// The name of the first element of a markup text, or of its doctype where the bytes end before the element; a name
// space prefix is left out. Empty: no markup.
std::string root_element(std::string_view text) {
  std::string_view doctype;
  for (;;) {
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos) return std::string(doctype);
    text.remove_prefix(start);
    if (text.starts_with("<?")) {
      text = skip_past(text, "?>");
    } else if (text.starts_with("<!--")) {
      text = skip_past(text, "-->");
    } else if (text.starts_with("<!doctype")) {
      doctype = trim(text.substr(9));
      doctype = doctype.substr(0, doctype.find_first_of(" \t\r\n>["));
      text = skip_doctype(text);
    } else {
      break;
    }
  }
  if (!text.starts_with('<')) return {};
  std::string_view element = text.substr(1);
  element = element.substr(0, element.find_first_of(" \t\r\n/>"));
  if (const std::size_t colon = element.find(':'); colon != std::string_view::npos) element.remove_prefix(colon + 1);
  return std::string(element);
}

constexpr std::array kImageExtensions = {
    "jpg"sv,   "jpeg"sv, "jpe"sv, "jfif"sv, "png"sv, "gif"sv, "webp"sv, "bmp"sv,  "dib"sv, "tif"sv,   "tiff"sv,
    "dng"sv,   "nef"sv,  "nrw"sv, "arw"sv,  "sr2"sv, "srf"sv, "cr2"sv,  "cr3"sv,  "pef"sv, "srw"sv,   "3fr"sv,
    "erf"sv,   "dcr"sv,  "kdc"sv, "raf"sv,  "orf"sv, "rw2"sv, "heic"sv, "heif"sv, "hif"sv, "heics"sv, "avif"sv,
    "avifs"sv, "jxl"sv,  "jp2"sv, "jpx"sv,  "j2k"sv, "j2c"sv, "jpc"sv,  "psd"sv,  "psb"sv, "ico"sv,   "svg"sv,
};

}  // namespace

std::optional<ImageType> sniff_image(std::span<const std::byte> first_bytes, std::string_view declared_mime,
                                     std::string_view name) {
  const std::string_view data = as_text(first_bytes.first(std::min(first_bytes.size(), kSniffBytes)));
  for (const Magic& magic : kMagics) {
    if (has_at(data, magic.offset, magic.bytes)) return ImageType{magic.mime_type};
  }
  if (is_webp(data)) return ImageType{"image/webp"};
  if (is_bmp(data)) return ImageType{"image/bmp"};
  if (is_ico(data)) return ImageType{"image/vnd.microsoft.icon"};
  if (const auto mime = sniff_ftyp(data)) return ImageType{*mime};
  if (const auto mime = sniff_tiff(data, declared_mime, name)) return ImageType{*mime};
  const bool declared_svg = essence_of(declared_mime).starts_with("image/svg") || extension_of(name) == "svg";
  if (declared_svg && root_element(as_markup(data)) == "svg") return ImageType{"image/svg+xml"};
  return std::nullopt;
}

bool looks_like_error_document(std::span<const std::byte> first_bytes) {
  const std::string text = as_markup(as_text(first_bytes.first(std::min(first_bytes.size(), kSniffBytes))));
  const std::string_view start = trim(text);
  if (start.starts_with('{')) {
    const std::string_view inside = trim(start.substr(1));
    return inside.empty() || inside.starts_with('"') || inside.starts_with('}');
  }
  constexpr std::array kRoots = {"html"sv, "head"sv, "body"sv, "title"sv, "meta"sv, "script"sv, "error"sv};
  return contains(kRoots, root_element(start));
}

bool is_candidate(std::string_view mime_type, std::string_view name) {
  const std::string essence = essence_of(mime_type);
  if (essence.starts_with("image/")) return true;
  return (essence.empty() || essence == "application/octet-stream") && contains(kImageExtensions, extension_of(name));
}

std::string ignored_reason(std::string_view mime_type, std::string_view name) {
  constexpr std::array kVideoExtensions = {"mov"sv, "mp4"sv, "m4v"sv, "avi"sv, "mkv"sv, "webm"sv, "3gp"sv, "mts"sv};
  const std::string essence = essence_of(mime_type);
  if (essence.starts_with("application/vnd.google-apps.")) return "google_document";
  const bool untyped = essence.empty() || essence == "application/octet-stream";
  if (essence.starts_with("video/") || (untyped && contains(kVideoExtensions, extension_of(name)))) return "video";
  return "not_an_image";
}

}  // namespace imgimport
