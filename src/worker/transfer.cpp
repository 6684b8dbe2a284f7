#include "worker/transfer.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/image_end.hpp"
#include "base/image_type.hpp"
#include "base/span_blob.hpp"
#include "crypto/hash.hpp"
#include "worker/disposition.hpp"
#include "worker/source_reader.hpp"

namespace imgimport {
namespace {

// What the bytes are held against: the listing's word, a newer look-up's, or our own computation.
struct Expectation {
  std::optional<std::uint64_t> size;
  ContentHashes hashes;
};

bool has_checksum(const ContentHashes& hashes) {
  return !hashes.sha256.empty() || !hashes.md5.empty();
}

// By the strongest hash that both know.
bool same_content(const ContentHashes& a, const ContentHashes& b) {
  if (!a.sha256.empty() && !b.sha256.empty()) return a.sha256 == b.sha256;
  return !a.md5.empty() && a.md5 == b.md5;
}

Error not_an_image(std::size_t size) {
  if (size == 0) {
    return Error(ErrorCode::kUnsupported, "the file is empty")
        .with_reason("not_an_image")
        .with_remedy("Upload the picture to Drive again, then import again");
  }
  return Error(ErrorCode::kUnsupported, "the file is declared to be an image, but its first bytes are not one's")
      .with_reason("not_an_image")
      .with_remedy("Open it in Drive; if it is a picture after all, save it in a common format and import again");
}

Error cut_short(std::uint64_t got, std::uint64_t published) {
  return Error(ErrorCode::kCorrupt, "three downloads ended alike after " + std::to_string(got) + " of the file's " +
                                        std::to_string(published) + " bytes, where no image ends")
      .with_reason("size_mismatch")
      .with_remedy("Open the file in Drive, download it there, and upload it again");
}

Error not_the_bytes() {
  return Error(ErrorCode::kCorrupt, "a web page or an error document came in place of the file's bytes")
      .with_reason("not_the_bytes");
}

// A blob over the source. The first open() goes on with the download whose head has been looked at already; each
// further one begins a new download.
class SourceBlob : public Blob {
 public:
  SourceBlob(Source& source, FileRef file, std::optional<std::uint64_t> size, std::unique_ptr<ByteReader> begun)
      : source_(source), file_(std::move(file)), size_(size), begun_(std::move(begun)) {}
  std::optional<std::uint64_t> size() const override { return size_; }
  Result<std::unique_ptr<ByteReader>> open(const CallContext&) const override {
    if (begun_ != nullptr) return std::move(begun_);
    return std::unique_ptr<ByteReader>(new ResumingReader(source_, file_, size_));
  }

 private:
  Source& source_;
  const FileRef file_;
  const std::optional<std::uint64_t> size_;
  mutable std::unique_ptr<ByteReader> begun_;
};

class ImageTransfer {
 public:
  ImageTransfer(const CallContext& context, Source& source, ObjectStore& store, const WorkItem& item, TransferMode mode)
      : context_(context),
        source_(source),
        store_(store),
        item_(item),
        file_{item.file.id, item.file.resource_key},
        mode_(mode) {}

  Transferred run() {
    auto stored = store_as_listed();
    return {std::move(stored), put_in_doubt_};
  }

 private:
  Result<StoredObject> store_as_listed() {
    const Expectation listed{item_.file.size, item_.file.hashes};
    if (item_.attempts >= kAttemptsBeforeDoubt && has_checksum(listed.hashes)) return run_in_doubt(listed);
    return store(listed);
  }

  Result<StoredObject> store(const Expectation& expected) {
    // Memory was granted for the size that was listed; the file may have become larger since.
    const bool fits = expected.size && item_.file.size && *expected.size <= *item_.file.size;
    return mode_ == TransferMode::kInMemory && fits ? store_from_memory(expected) : store_streaming(expected);
  }

  // Its bytes have been held against the published hash: whatever they are, they are the file's.
  Result<StoredObject> store_proven(const Expectation& expected) {
    is_proven_ = true;
    return store(expected);
  }

  Result<StoredObject> store_from_memory(const Expectation& expected) {
    const auto size = static_cast<std::size_t>(*expected.size);
    const auto buffer = std::make_unique_for_overwrite<std::byte[]>(size);
    const std::span<std::byte> bytes(buffer.get(), size);
    ResumingReader reader(source_, file_, expected.size);
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t filled, read_fully(context_, reader, bytes));
    if (filled == size) IMGIMPORT_RETURN_IF_ERROR(expect_end(reader));

    const auto head = bytes.first(std::min(size, kSniffBytes));
    const auto type = sniff_image(head, item_.file.mime_type, item_.file.name);
    // A document of exactly the listed length is what the owner put there; a stray error page has another length.
    if (!type) return not_an_image(size);
    return put(SpanBlob(bytes), *type, expected);
  }

  Result<void> expect_end(ByteReader& reader) {
    std::array<std::byte, 1> one;
    IMGIMPORT_RETURN_IF_ERROR(reader.read(context_, one));
    return {};
  }

  Result<StoredObject> store_streaming(const Expectation& expected) {
    auto reader = std::make_unique<ResumingReader>(source_, file_, expected.size);
    std::vector<std::byte> head(kSniffBytes);
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, read_fully(context_, *reader, head));
    head.resize(count);
    const auto type = sniff_image(head, item_.file.mime_type, item_.file.name);
    if (!type) {
      // A head that ends at the listed size is all of the file; of a longer one the length is not known here.
      const bool is_the_file = is_proven_ || (count < kSniffBytes && expected.size == count);
      return looks_like_error_document(head) && !is_the_file ? not_the_bytes() : not_an_image(count);
    }
    const SourceBlob blob(source_, file_, expected.size,
                          std::make_unique<PrefixedReader>(std::move(head), std::move(reader)));
    return put(blob, *type, expected);
  }

  Result<StoredObject> put(const Blob& blob, const ImageType& type, const Expectation& expected) {
    PutOptions options;
    options.content_type = std::string(type.mime_type);
    options.expected = expected.hashes;
    auto put = store_.put(context_, item_.key, blob, options);
    if (!put.has_value()) {
      put_in_doubt_ = may_be_stored(put.error());
      return std::move(put).error();
    }
    ObjectInfo info = *std::move(put);
    StoredObject stored;
    stored.key = item_.key;
    stored.size_bytes = info.size_bytes;
    stored.hashes = expected.hashes;
    if (stored.hashes.sha256.empty()) stored.hashes.sha256 = std::move(info.hashes.sha256);
    if (stored.hashes.md5.empty()) stored.hashes.md5 = std::move(info.hashes.md5);
    stored.mime_type = options.content_type;
    stored.etag = std::move(info.etag);
    stored.version_id = std::move(info.version_id);
    stored.checksum_verified = has_checksum(expected.hashes);
    return stored;
  }

  // What a fresh download really holds: all that can be known of it without keeping it.
  struct Fingerprint {
    Expectation content;
    std::vector<std::byte> first;
    std::vector<std::byte> last;
  };

  Result<Fingerprint> fingerprint() {
    IMGIMPORT_ASSIGN_OR_RETURN(const auto reader, source_.open(context_, file_, 0));
    Hasher sha256(HashAlgorithm::kSha256);
    Hasher md5(HashAlgorithm::kMd5);
    std::vector<std::byte> buffer(64 << 10);
    std::uint64_t size = 0;
    Fingerprint found;
    for (;;) {
      IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader->read(context_, buffer));
      if (count == 0) break;
      const auto bytes = std::span<const std::byte>(buffer).first(count);
      sha256.update(bytes);
      md5.update(bytes);
      size += count;
      const auto head = bytes.first(std::min(count, kSniffBytes - found.first.size()));
      found.first.insert(found.first.end(), head.begin(), head.end());
      const auto tail = bytes.last(std::min(count, kEndBytes));
      found.last.insert(found.last.end(), tail.begin(), tail.end());
      if (found.last.size() > kEndBytes) found.last.erase(found.last.begin(), found.last.end() - kEndBytes);
    }
    found.content.size = size;
    found.content.hashes.sha256 = sha256.finish();
    found.content.hashes.md5 = md5.finish();
    return found;
  }

  // A download that is shorter than the file, time after time, is either what Drive makes of a picture from Google
  // Photos, or broken off where it always breaks off: only an image that ends by itself is the former.
  Result<void> expect_whole(const Fingerprint& found, std::optional<std::uint64_t> published) const {
    const std::uint64_t size = *found.content.size;
    const auto type = sniff_image(found.first, item_.file.mime_type, item_.file.name);
    if (!type && looks_like_error_document(found.first)) return not_the_bytes();
    if (!published || size >= *published) return {};
    if (type && ends_like_image(type->mime_type, {found.first, found.last, size})) return {};
    return cut_short(size, *published);
  }

  Result<StoredObject> run_in_doubt(const Expectation& listed) {
    std::optional<Fingerprint> first;
    for (int pass = 0; pass < 3; ++pass) {
      IMGIMPORT_ASSIGN_OR_RETURN(Fingerprint found, fingerprint());
      if (same_content(found.content.hashes, listed.hashes)) return store_proven(listed);
      if (first && first->content.hashes != found.content.hashes) {
        return Error(ErrorCode::kCorrupt,
                     "the bytes differ from the published checksum, and from one download to the next")
            .with_reason("checksum_mismatch");
      }
      first = std::move(found);
    }
    IMGIMPORT_ASSIGN_OR_RETURN(const SourceFile now, source_.look_up(context_, file_));
    if (!now.hashes.md5.empty() || !now.hashes.sha256.empty()) {
      if (same_content(first->content.hashes, now.hashes)) return store_proven(Expectation{now.size, now.hashes});
    }
    if (!same_content(now.hashes, listed.hashes)) {
      return Error(ErrorCode::kCorrupt, "the file keeps changing while it is being imported")
          .with_reason("changed_meanwhile")
          .with_remedy("Import the folder again when the file is at rest");
    }
    IMGIMPORT_RETURN_IF_ERROR(expect_whole(*first, now.size));
    auto stored = store(first->content);
    if (stored.has_value()) stored->checksum_verified = false;
    return stored;
  }

  const CallContext& context_;
  Source& source_;
  ObjectStore& store_;
  const WorkItem& item_;
  const FileRef file_;
  const TransferMode mode_;
  bool put_in_doubt_ = false;
  bool is_proven_ = false;
};

}  // namespace

Transferred transfer_image(const CallContext& context, Source& source, ObjectStore& store, const WorkItem& item,
                           TransferMode mode) {
  return ImageTransfer(context, source, store, item, mode).run();
}

}  // namespace imgimport
