// Blobs for tests: content in memory, and content that comes as a stream and may misbehave.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "imgimport/blob.hpp"

namespace imgimport {

// Content that lies in memory as a whole.
class MemoryBlob final : public Blob {
 public:
  explicit MemoryBlob(std::string content);
  std::optional<std::uint64_t> size() const override { return content_.size(); }
  Result<std::unique_ptr<ByteReader>> open(const CallContext& context) const override;
  std::optional<std::span<const std::byte>> in_memory() const override { return std::as_bytes(std::span(content_)); }

 private:
  const std::string content_;
};

// Content that can only be read piece by piece.
class StreamBlob final : public Blob {
 public:
  struct Behaviour {
    std::optional<std::uint64_t> size;  // as announced; nullopt = not announced
    std::size_t piece = 16 * 1024;      // the most that one read gives
    std::optional<Error> fails_with;    // instead of the end
    std::optional<Error> opening_fails;
    std::stop_source* stops = nullptr;  // is asked to stop when half was read
  };
  StreamBlob(std::string content, Behaviour behaviour)
      : content_(std::move(content)), behaviour_(std::move(behaviour)) {}
  std::optional<std::uint64_t> size() const override { return behaviour_.size; }
  Result<std::unique_ptr<ByteReader>> open(const CallContext& context) const override;

 private:
  class Reader final : public ByteReader {
   public:
    Reader(const std::string& content, Behaviour behaviour) : content_(content), behaviour_(std::move(behaviour)) {}
    Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
      IMGIMPORT_RETURN_IF_ERROR(context.check());
      if (behaviour_.stops != nullptr && at_ >= content_.size() / 2) behaviour_.stops->request_stop();
      const std::size_t count = std::min({out.size(), behaviour_.piece, content_.size() - at_});
      if (count == 0 && behaviour_.fails_with) return *behaviour_.fails_with;
      std::memcpy(out.data(), content_.data() + at_, count);
      at_ += count;
      return count;
    }

   private:
    const std::string& content_;
    const Behaviour behaviour_;
    std::size_t at_ = 0;
  };
  friend class MemoryBlob;

  const std::string content_;
  const Behaviour behaviour_;
};

inline MemoryBlob::MemoryBlob(std::string content) : content_(std::move(content)) {}

inline Result<std::unique_ptr<ByteReader>> MemoryBlob::open(const CallContext&) const {
  return std::unique_ptr<ByteReader>(std::make_unique<StreamBlob::Reader>(content_, StreamBlob::Behaviour{}));
}

inline Result<std::unique_ptr<ByteReader>> StreamBlob::open(const CallContext&) const {
  if (behaviour_.opening_fails) return *behaviour_.opening_fails;
  return std::unique_ptr<ByteReader>(std::make_unique<Reader>(content_, behaviour_));
}

}  // namespace imgimport
