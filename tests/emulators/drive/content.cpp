#include "emulators/drive/content.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "base/text.hpp"

namespace imgimport::emulator {
namespace {

using namespace std::string_view_literals;

// A prime, so that a download resumed at a wrong offset cannot meet the same bytes at any round distance.
constexpr std::size_t kPatternSize = 1'048'573;
constexpr std::size_t kVariants = 8;
constexpr std::size_t kTailSize = 32;

std::uint64_t mix(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

const std::string& pattern() {
  static const std::string bytes = [] {
    std::string made(kPatternSize + 8, '\0');
    for (std::size_t at = 0; at < kPatternSize; at += 8) {
      const std::uint64_t word = mix(at);
      std::memcpy(made.data() + at, &word, 8);
    }
    made.resize(kPatternSize);
    return made;
  }();
  return bytes;
}

struct TypeInfo {
  ContentType type;
  std::string_view name;
  std::string_view mime;
  std::string_view magic;
};

constexpr std::array kTypes = {
    TypeInfo{ContentType::kJpeg, "jpeg", "image/jpeg",
             "\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"sv},
    TypeInfo{
        ContentType::kPng, "png", "image/png",
        "\x89PNG\r\n\x1A\n\x00\x00\x00\x0DIHDR\x00\x00\x00\x40\x00\x00\x00\x40\x08\x02\x00\x00\x00\x25\x0B\xE6\x89"sv},
    TypeInfo{ContentType::kGif, "gif", "image/gif", "GIF89a\x40\x00\x40\x00\xF7\x00\x00"sv},
    TypeInfo{ContentType::kWebp, "webp", "image/webp", "RIFF\x00\x10\x00\x00WEBPVP8 "sv},
    TypeInfo{ContentType::kBmp, "bmp", "image/bmp",
             "BM\x00\x10\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00"sv},
    TypeInfo{ContentType::kTiff, "tiff", "image/tiff", "II*\x00\x08\x00\x00\x00"sv},
    TypeInfo{ContentType::kHeic, "heic", "image/heif",
             "\x00\x00\x00\x18"
             "ftypheic\x00\x00\x00\x00mif1heic"sv},
    TypeInfo{ContentType::kAvif, "avif", "image/avif",
             "\x00\x00\x00\x1C"
             "ftypavif\x00\x00\x00\x00"
             "avifmif1miaf"sv},
    TypeInfo{ContentType::kJxl, "jxl", "image/jxl",
             "\x00\x00\x00\x0CJXL \r\n\x87\n\x00\x00\x00\x14"
             "ftypjxl "sv},
    TypeInfo{ContentType::kPsd, "psd", "image/vnd.adobe.photoshop", "8BPS\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03"sv},
    TypeInfo{ContentType::kIco, "ico", "image/x-icon", "\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00"sv},
    TypeInfo{
        ContentType::kHtml, "html", "text/html",
        "<!DOCTYPE html><html><head><title>Sorry...</title></head><body><p>We're sorry... but your computer or network may be sending automated queries.</p>"sv},
    TypeInfo{ContentType::kText, "text", "text/plain", "Notes of a journey.\n"sv},
    TypeInfo{ContentType::kMp4, "mp4", "video/mp4",
             "\x00\x00\x00\x18"
             "ftypmp42\x00\x00\x00\x00mp42isom"sv},
};

const TypeInfo& info_of(ContentType type) {
  for (const TypeInfo& info : kTypes) {
    if (info.type == type) return info;
  }
  return kTypes.front();
}

// MD5, SHA-1 and SHA-256 of the same bytes at once. Copyable in mid-stream.
class TripleHash {
 public:
  TripleHash() {
    const std::array<const EVP_MD*, 3> kinds = {EVP_md5(), EVP_sha1(), EVP_sha256()};
    for (std::size_t i = 0; i < 3; ++i) {
      contexts_[i].reset(EVP_MD_CTX_new());
      EVP_DigestInit_ex(contexts_[i].get(), kinds[i], nullptr);
    }
  }
  TripleHash(const TripleHash& other) {
    for (std::size_t i = 0; i < 3; ++i) {
      contexts_[i].reset(EVP_MD_CTX_new());
      EVP_MD_CTX_copy_ex(contexts_[i].get(), other.contexts_[i].get());
    }
  }
  TripleHash& operator=(const TripleHash&) = delete;

  void update(std::span<const char> bytes) {
    for (auto& context : contexts_) EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
  }
  ContentHashes finish() {
    std::array<std::string, 3> hex;
    for (std::size_t i = 0; i < 3; ++i) {
      std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
      unsigned length = 0;
      EVP_DigestFinal_ex(contexts_[i].get(), digest.data(), &length);
      hex[i] = to_hex(std::as_bytes(std::span(digest.data(), length)));
    }
    return {.md5 = std::move(hex[0]), .sha1 = std::move(hex[1]), .sha256 = std::move(hex[2])};
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::array<std::unique_ptr<EVP_MD_CTX, Free>, 3> contexts_;
};

void hash_range(const Content& content, std::uint64_t from, std::uint64_t to, TripleHash& hash) {
  std::vector<char> piece(std::min<std::uint64_t>(to - from, 256 << 10));
  while (from < to) {
    const std::size_t n = std::min<std::uint64_t>(piece.size(), to - from);
    if (!content.copy(from, {piece.data(), n})) return;
    hash.update({piece.data(), n});
    from += n;
  }
}

// Copies the part of `source`, which lies at `source_offset` in the whole, that falls into the wanted range.
void copy_overlap(std::string_view source, std::uint64_t source_offset, std::uint64_t offset, std::span<char> out) {
  const std::uint64_t from = std::max(source_offset, offset);
  const std::uint64_t to = std::min(source_offset + source.size(), offset + out.size());
  if (from < to) std::memcpy(out.data() + (from - offset), source.data() + (from - source_offset), to - from);
}

class SyntheticContent final : public Content {
 public:
  explicit SyntheticContent(const SyntheticSpec& spec)
      : type_(spec.type), size_(spec.size), variant_(static_cast<std::uint8_t>(spec.index % kVariants)) {
    std::uint64_t state = mix(spec.seed) ^ mix(spec.index * 2 + 1) ^ mix(spec.size);
    for (std::size_t at = 0; at < kTailSize; at += 8) {
      state = mix(state);
      std::memcpy(tail_.data() + at, &state, 8);
    }
  }

  std::uint64_t size() const override { return size_; }

  bool copy(std::uint64_t offset, std::span<char> out) const override {
    std::uint64_t at = (offset + variant_ * 131'071u) % kPatternSize;
    for (std::size_t done = 0; done < out.size();) {
      const std::size_t n = std::min<std::uint64_t>(out.size() - done, kPatternSize - at);
      std::memcpy(out.data() + done, pattern().data() + at, n);
      done += n;
      at = 0;
    }
    copy_overlap({tail_.data(), std::min<std::size_t>(kTailSize, size_)}, tail_offset(), offset, out);
    copy_overlap(info_of(type_).magic.substr(0, size_), 0, offset, out);
    return true;
  }

  // Files of one type, size and variant share all but their tail: the state of the hashes before it is kept.
  ContentHashes hashes() const override {
    if (size_ < info_of(type_).magic.size() + kTailSize) return Content::hashes();
    TripleHash hash = hash_before_tail();
    hash.update(tail_);
    return hash.finish();
  }

 private:
  std::uint64_t tail_offset() const { return size_ > kTailSize ? size_ - kTailSize : 0; }

  TripleHash hash_before_tail() const {
    static std::mutex mutex;
    static std::map<std::tuple<ContentType, std::uint64_t, std::uint8_t>, TripleHash> known;
    const auto key = std::tuple(type_, size_, variant_);
    {
      const std::lock_guard lock(mutex);
      if (const auto found = known.find(key); found != known.end()) return found->second;
    }
    TripleHash hash;
    hash_range(*this, 0, tail_offset(), hash);
    const std::lock_guard lock(mutex);
    if (known.size() > 4096) known.clear();
    return known.emplace(key, hash).first->second;
  }

  const ContentType type_;
  const std::uint64_t size_;
  const std::uint8_t variant_;
  std::array<char, kTailSize> tail_{};
};

// Hashed when first asked, and then known.
class KeptContent : public Content {
 public:
  ContentHashes hashes() const override {
    std::call_once(hashed_, [this] { hashes_ = Content::hashes(); });
    return hashes_;
  }

 private:
  mutable std::once_flag hashed_;
  mutable ContentHashes hashes_;
};

class BytesContent final : public KeptContent {
 public:
  explicit BytesContent(std::string bytes) : bytes_(std::make_shared<const std::string>(std::move(bytes))) {}
  std::uint64_t size() const override { return bytes_->size(); }
  bool copy(std::uint64_t offset, std::span<char> out) const override {
    if (!out.empty()) std::memcpy(out.data(), bytes_->data() + offset, out.size());
    return true;
  }
  HttpSharedBody in_memory() const override { return bytes_; }

 private:
  const HttpSharedBody bytes_;
};

// Opened anew for each piece: a folder of many files must not use up the process's descriptors.
class FileContent final : public KeptContent {
 public:
  FileContent(std::string path, std::uint64_t size) : path_(std::move(path)), size_(size) {}

  std::uint64_t size() const override { return size_; }
  bool copy(std::uint64_t offset, std::span<char> out) const override {
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    while (file >= 0 && !out.empty()) {
      const ssize_t n = ::pread(file, out.data(), out.size(), static_cast<off_t>(offset));
      if (n <= 0) break;
      out = out.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    if (file >= 0) ::close(file);
    return out.empty();
  }

 private:
  const std::string path_;
  const std::uint64_t size_;
};

}  // namespace

ContentHashes Content::hashes() const {
  TripleHash hash;
  hash_range(*this, 0, size(), hash);
  return hash.finish();
}

std::string Content::copy_string(std::uint64_t from, std::uint64_t to) const {
  std::string bytes(to - from, '\0');
  if (!copy(from, bytes)) bytes.clear();
  return bytes;
}

std::string_view to_string(ContentType type) noexcept {
  return info_of(type).name;
}
std::string_view mime_type_of(ContentType type) noexcept {
  return info_of(type).mime;
}

ContentType content_type_from(std::string_view name) noexcept {
  for (const TypeInfo& info : kTypes) {
    if (info.name == name) return info.type;
  }
  return ContentType::kText;
}

ContentPtr synthetic_content(const SyntheticSpec& spec) {
  return std::make_shared<SyntheticContent>(spec);
}
ContentPtr bytes_content(std::string bytes) {
  return std::make_shared<BytesContent>(std::move(bytes));
}

ContentPtr file_content(const std::string& path, std::uint64_t keep_below) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return nullptr;
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  auto on_disk = std::make_shared<FileContent>(path, size);
  if (size > keep_below) return on_disk;
  std::string bytes(size, '\0');
  if (!on_disk->copy(0, bytes)) return nullptr;
  return bytes_content(std::move(bytes));
}

}  // namespace imgimport::emulator
