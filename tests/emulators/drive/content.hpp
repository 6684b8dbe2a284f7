// The bytes behind a file of the emulator. Synthetic files are recipes: a magic number, a stretch of a shared pattern
// and a tail of their own, so that a hundred thousand of them take neither memory nor time, and yet each has its own
// hashes.
//
// Everything here is immutable after construction and may be shared by all threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "imgimport/blob.hpp"
#include "imgimport/http.hpp"

namespace imgimport::emulator {

class Content {
 public:
  virtual ~Content() = default;
  virtual std::uint64_t size() const = 0;
  // Copies bytes [offset, offset + out.size()). REQUIRES: the range lies inside the content. false: the disk failed.
  virtual bool copy(std::uint64_t offset, std::span<char> out) const = 0;
  // The same as a string; shorter when the disk failed.
  std::string copy_string(std::uint64_t from, std::uint64_t to) const;
  // The whole content where it lies in memory already; nullptr otherwise.
  virtual HttpSharedBody in_memory() const { return nullptr; }
  virtual ContentHashes hashes() const;
};
using ContentPtr = std::shared_ptr<const Content>;

// The kinds of bytes a synthetic file can begin with.
enum class ContentType : std::uint8_t {
  kJpeg = 1,
  kPng,
  kGif,
  kWebp,
  kBmp,
  kTiff,
  kHeic,
  kAvif,
  kJxl,
  kPsd,
  kIco,
  kHtml,
  kText,
  kMp4,
};
std::string_view to_string(ContentType type) noexcept;
// "jpeg", "png"…; kText for a name it does not know.
ContentType content_type_from(std::string_view name) noexcept;
// "image/jpeg"…
std::string_view mime_type_of(ContentType type) noexcept;

struct SyntheticSpec {
  std::uint64_t seed = 1;
  std::uint64_t index = 0;
  std::uint64_t size = 64 << 10;  // bytes; below 64 they may coincide with those of another index
  ContentType type = ContentType::kJpeg;
};

// The same spec gives the same bytes, in every process.
ContentPtr synthetic_content(const SyntheticSpec& spec);
ContentPtr bytes_content(std::string bytes);
// A file on disk: read into memory if it is at most `keep_below` bytes long, else read when asked for. nullptr:
// unreadable.
ContentPtr file_content(const std::string& path, std::uint64_t keep_below);

}  // namespace imgimport::emulator
