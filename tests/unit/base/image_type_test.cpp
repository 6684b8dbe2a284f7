#include "base/image_type.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

namespace imgimport {
namespace {

using namespace std::string_literals;

std::string sniff(const std::string& bytes, std::string_view declared = "image/jpeg", std::string_view name = {}) {
  const auto type = sniff_image(std::as_bytes(std::span(bytes)), declared, name);
  return type ? std::string(type->mime_type) : "none";
}

bool is_error_document(const std::string& bytes) {
  return looks_like_error_document(std::as_bytes(std::span(bytes)));
}

std::string le(std::uint32_t value, int width) {
  std::string text;
  for (int i = 0; i < width; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string ftyp(const std::string& major, const std::string& compatible) {
  return "\0\0\0"s + static_cast<char>(16 + compatible.size()) + "ftyp" + major + "\0\0\0\0"s + compatible + "mdat----";
}

struct Tag {
  std::uint32_t tag;
  std::uint32_t value;
};

// A little-endian TIFF of one directory; a Make tag points at `make`, which lies behind it.
std::string tiff(const std::vector<Tag>& tags, const std::string& make) {
  std::string file = "II*\0"s + le(8, 4) + le(static_cast<std::uint32_t>(tags.size() + 1), 2);
  const auto make_at = static_cast<std::uint32_t>(8 + 2 + 12 * (tags.size() + 1) + 4);
  file += le(0x010f, 2) + le(2, 2) + le(static_cast<std::uint32_t>(make.size()), 4) + le(make_at, 4);
  for (const Tag& tag : tags) file += le(tag.tag, 2) + le(4, 2) + le(1, 4) + le(tag.value, 4);
  return file + le(0, 4) + make;
}

TEST_CASE("every image format is known by its first bytes, whatever was declared", "[image_type]") {
  const std::string pad(32, '\0');
  const auto [bytes, mime] = GENERATE_COPY(table<std::string, std::string>({
      {"\xff\xd8\xff\xe0\0\x10JFIF"s, "image/jpeg"},
      {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"s, "image/png"},
      {"GIF89a\x01\0\x01\0"s, "image/gif"},
      {"GIF87a\x01\0\x01\0"s, "image/gif"},
      {"RIFF\x24\0\0\0WEBPVP8 "s, "image/webp"},
      {"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"s, "image/bmp"},
      {"II*\0\x08\0\0\0"s + pad, "image/tiff"},
      {"MM\0*\0\0\0\x08"s + pad, "image/tiff"},
      {"II+\0\x08\0\0\0"s + pad, "image/tiff"},
      {"MM\0+\0\x08\0\0"s + pad, "image/tiff"},
      {"II*\0\x10\0\0\0CR\x02\0"s + pad, "image/x-canon-cr2"},
      {ftyp("crx ", "crx isom"), "image/x-canon-cr3"},
      {"FUJIFILMCCD-RAW 0201FF"s, "image/x-fuji-raf"},
      {"IIRO\x08\0\0\0"s, "image/x-olympus-orf"},
      {"IIRS\x08\0\0\0"s, "image/x-olympus-orf"},
      {"MMOR\0\0\0\x08"s, "image/x-olympus-orf"},
      {"IIU\0\x18\0\0\0"s, "image/x-panasonic-rw2"},
      {ftyp("heic", "mif1heic"), "image/heic"},
      {ftyp("heix", ""), "image/heic"},
      {ftyp("hevc", "msf1hevc"), "image/heic-sequence"},
      {ftyp("mif1", "mif1heic"), "image/heic"},
      {ftyp("mif1", "mif1avifmiaf"), "image/avif"},
      {ftyp("mif1", "mif1miaf"), "image/heif"},
      {ftyp("avif", "avifmif1miafMA1B"), "image/avif"},
      {ftyp("avis", "avisavifmsf1iso8"), "image/avif"},
      {ftyp("1pic", "mif1heic"), "image/heic"},
      {"\xff\x0a\xfa\x1f"s, "image/jxl"},
      {"\0\0\0\x0cJXL \r\n\x87\n"s, "image/jxl"},
      {"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14"s, "image/jp2"},
      {"\xff\x4f\xff\x51\0\x2f"s, "image/j2c"},
      {"8BPS\0\x01\0\0"s, "image/vnd.adobe.photoshop"},
      {"8BPS\0\x02\0\0"s, "image/vnd.adobe.photoshop"},
      {"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x68\x04\0\0\x16\0\0\0"s, "image/vnd.microsoft.icon"},
  }));
  CAPTURE(mime);
  CHECK(sniff(bytes) == mime);
  CHECK(sniff(bytes, "application/octet-stream", "x.gif") == mime);
}

TEST_CASE("what is no image is not taken for one", "[image_type]") {
  for (const std::string& bytes :
       {""s, "\xff"s, "\xff\xd8"s, "hello, world"s, "BM is how this text begins"s, "%PDF-1.7"s, "PK\x03\x04"s,
        ftyp("isom", "isomiso2avc1mp41"), ftyp("mp42", "mp42mif1heic"), ftyp("qt  ", "qt  "), ftyp("M4V ", "isommp42"),
        "RIFF\x24\0\0\0WAVEfmt "s, "RIFF\x24\0\0\0AVI LIST"s,
        "\0\0\x01\xba\x44\0\x04\0\x04\x01\0\0\0\0\0\0\0\0\0\0\0\0\0"s, "II"s, "II*\0"s,
        "\0\0\x02\0\x01\0\x10\x10\0\0\x01\0\x20\0\x68\x04\0\0\x16\0\0\0"s, "<html><body>no"s}) {
    CAPTURE(bytes);
    CHECK(sniff(bytes) == "none");
  }
}

TEST_CASE("a raw photo that is TIFF inside is told by tags, else by what it is declared to be", "[image_type]") {
  constexpr std::uint32_t kSubIfds = 0x014a;
  constexpr std::uint32_t kDngVersion = 0xc612;
  CHECK(sniff(tiff({{kDngVersion, 0x401}}, "Apple\0"s), "image/tiff") == "image/x-adobe-dng");
  CHECK(sniff(tiff({{kSubIfds, 1000}}, "NIKON CORPORATION\0"s), "image/tiff") == "image/x-nikon-nef");
  CHECK(sniff(tiff({{kSubIfds, 1000}}, "SONY\0"s), "image/tiff") == "image/x-sony-arw");
  CHECK(sniff(tiff({{kSubIfds, 1000}}, "SAMSUNG\0"s), "image/tiff") == "image/x-samsung-srw");
  CHECK(sniff(tiff({}, "NIKON CORPORATION\0"s), "image/tiff") == "image/tiff");
  CHECK(sniff(tiff({}, "PENTAX\0"s), "application/octet-stream", "IMGP1.PEF") == "image/x-pentax-pef");
  CHECK(sniff(tiff({}, "SONY\0"s), "image/x-sony-arw") == "image/x-sony-arw");
  CHECK(sniff(tiff({}, "SONY\0"s), "image/tiff; x=y", "scan.tif") == "image/tiff");
  CHECK(sniff("\xff\xd8\xff\xe1"s, "image/x-sony-arw", "a.arw") == "image/jpeg");
}

TEST_CASE("a TIFF whose directory lies elsewhere or lies is a TIFF", "[image_type]") {
  CHECK(sniff("II*\0"s + le(0xfffffff0, 4) + "xxxxxxxx") == "image/tiff");
  CHECK(sniff("II*\0"s + le(8, 4) + le(0xffff, 2) + "xx") == "image/tiff");
  CHECK(sniff("II*\0"s + le(8, 4) + le(1, 2) + le(0x010f, 2) + le(2, 2) + le(0xffffffff, 4) + le(0xffffffff, 4)) ==
        "image/tiff");
}

TEST_CASE("SVG is taken only where it was declared, behind any prolog", "[image_type]") {
  const std::string plain = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
  CHECK(sniff(plain, "image/svg+xml") == "image/svg+xml");
  CHECK(sniff(plain, "application/octet-stream", "logo.SVG") == "image/svg+xml");
  CHECK(sniff(plain, "image/png") == "none");
  const std::string prolog =
      "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- <html> -->\n<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" "
      "\"x.dtd\" "
      "[ <!ENTITY ns \"http://x\"> ]>\n";
  CHECK(sniff(prolog + plain, "image/svg+xml") == "image/svg+xml");
  CHECK(sniff(prolog + "<svg:svg xmlns:svg='x'>", "image/svg+xml") == "image/svg+xml");
  CHECK(sniff("<!DOCTYPE svg [" + std::string(9000, ' ') + "]>" + plain, "image/svg+xml") == "image/svg+xml");
  CHECK(sniff("\xff\xfe<\0s\0v\0g\0>\0"s, "image/svg+xml") == "image/svg+xml");
  CHECK(sniff("<!DOCTYPE html><html><svg/></html>", "image/svg+xml") == "none");
  CHECK(sniff("<svgx>", "image/svg+xml") == "none");
  CHECK(sniff("just text about <svg>", "image/svg+xml") == "none");
  CHECK(sniff("<!-- never closed", "image/svg+xml") == "none");
}

TEST_CASE("a page or an error message in place of a file is recognised", "[image_type]") {
  CHECK(is_error_document("<!DOCTYPE html>\n<html lang=en><title>Sorry...</title>"));
  CHECK(is_error_document("\n  <HTML><HEAD>"));
  CHECK(is_error_document("\xef\xbb\xbf<html>"));
  CHECK(is_error_document("<!-- x --><html>"));
  CHECK(is_error_document("{\n \"error\": {\n  \"code\": 403"));
  CHECK(is_error_document("{\"error\":\"x\"}"));
  CHECK(is_error_document("<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code>"));
  CHECK_FALSE(is_error_document(""));
  CHECK_FALSE(is_error_document("\xff\xd8\xff\xe0"));
  CHECK_FALSE(is_error_document("{ braces of some other text"));
  CHECK_FALSE(is_error_document("plain text"));
  CHECK_FALSE(is_error_document("<svg>"));
}

TEST_CASE("candidates are images by type, or bytes of no type with an image's extension", "[image_type]") {
  CHECK(is_candidate("image/jpeg", "a.jpg"));
  CHECK(is_candidate("IMAGE/PNG", "no extension"));
  CHECK(is_candidate("image/x-anything", ""));
  CHECK(is_candidate("application/octet-stream", "IMG_1.HEIC"));
  CHECK(is_candidate("application/octet-stream", "a.b.dng"));
  CHECK_FALSE(is_candidate("application/octet-stream", "a.zip"));
  CHECK_FALSE(is_candidate("application/octet-stream", "jpg"));
  CHECK_FALSE(is_candidate("application/pdf", "a.jpg"));
  CHECK_FALSE(is_candidate("application/vnd.google-apps.document", "a.jpg"));
  CHECK_FALSE(is_candidate("video/mp4", "a.mp4"));
}

TEST_CASE("what is ignored has its reason", "[image_type]") {
  CHECK(ignored_reason("application/vnd.google-apps.spreadsheet", "Budget") == "google_document");
  CHECK(ignored_reason("video/quicktime", "IMG_1.MOV") == "video");
  CHECK(ignored_reason("application/octet-stream", "IMG_1.MOV") == "video");
  CHECK(ignored_reason("application/pdf", "a.pdf") == "not_an_image");
  CHECK(ignored_reason("", "") == "not_an_image");
}

TEST_CASE("no bytes whatever harm the sniffing", "[image_type]") {
  std::mt19937 random(7);  // NOLINT: seeded, so that a failure repeats
  const std::vector<std::string> starts = {"",    "II*\0"s,       "MM\0*"s, "\0\0\0@ftyp"s,
                                           "BM"s, "<!doctype ["s, "<?"s,    "\0\0\x01\0"s};
  int images = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = starts[random() % starts.size()];
    const std::size_t more = random() % 64;
    for (std::size_t k = 0; k < more; ++k)
      bytes += static_cast<char>(random() % 3 == 0 ? random() % 256 : random() % 16);
    images += sniff(bytes, "image/svg+xml", "a.nef") == "none" ? 0 : 1;
    images += is_error_document(bytes) ? 1 : 0;
  }
  CHECK(images > 0);
}

}  // namespace
}  // namespace imgimport
