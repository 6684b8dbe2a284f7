#include "fakes/memory_object_store.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/object_key.hpp"
#include "crypto/hash.hpp"
#include "storage/byte_range.hpp"
#include "storage/content_check.hpp"

namespace imgimport {
namespace {

class SharedReader final : public ByteReader {
 public:
  SharedReader(std::shared_ptr<const std::string> content, ByteSpan bytes)
      : content_(std::move(content)), at_(bytes.offset), end_(bytes.offset + bytes.length) {}
  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    const std::size_t count = std::min<std::size_t>(out.size(), end_ - at_);
    std::memcpy(out.data(), content_->data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  const std::shared_ptr<const std::string> content_;
  std::size_t at_;
  const std::size_t end_;
};

Result<void> check_key(const ObjectKey& key) {
  if (is_valid_object_key(key.value())) return {};
  return Error(ErrorCode::kInvalidArgument, "not an object key").with_reason("bad_object_key");
}

Result<std::string> read_all(const CallContext& context, const Blob& blob) {
  if (const auto memory = blob.in_memory()) {
    return std::string(reinterpret_cast<const char*>(memory->data()), memory->size());
  }
  IMGIMPORT_ASSIGN_OR_RETURN(const auto reader, blob.open(context));
  std::string content;
  std::array<std::byte, 4096> buffer;
  for (;;) {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader->read(context, buffer));
    if (count == 0) return content;
    content.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
}

}  // namespace

Result<ObjectInfo> MemoryObjectStore::put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                          const PutOptions& options) {
  {
    std::lock_guard lock(mutex_);
    if (const auto failing = failing_puts_.extract(++puts_)) return failing.mapped();
  }
  IMGIMPORT_RETURN_IF_ERROR(check_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  IMGIMPORT_ASSIGN_OR_RETURN(std::string bytes, read_all(context, blob));
  ContentCheck check(options.expected, blob.size());
  IMGIMPORT_RETURN_IF_ERROR(check.update(std::as_bytes(std::span(bytes))));
  IMGIMPORT_ASSIGN_OR_RETURN(auto content, check.finish());
  std::lock_guard lock(mutex_);
  Object object;
  object.info.size_bytes = content.size_bytes;
  object.info.etag = "version-" + std::to_string(++versions_);
  object.info.hashes = std::move(content.hashes);
  object.content = std::make_shared<const std::string>(std::move(bytes));
  ObjectInfo info = object.info;
  objects_.insert_or_assign(key.value(), std::move(object));
  return info;
}

Result<void> MemoryObjectStore::flush(const CallContext& context) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  std::lock_guard lock(mutex_);
  ++flushes_;
  if (auto failing = std::exchange(failing_flush_, std::nullopt)) return *std::move(failing);
  return {};
}

Result<MemoryObjectStore::Object> MemoryObjectStore::find(const ObjectKey& key) const {
  IMGIMPORT_RETURN_IF_ERROR(check_key(key));
  std::lock_guard lock(mutex_);
  const auto found = objects_.find(key.value());
  if (found == objects_.end()) {
    return Error(ErrorCode::kNotFound, "there is no object " + key.value()).with_reason("no_such_object");
  }
  return found->second;
}

Result<ObjectInfo> MemoryObjectStore::head(const CallContext& context, const ObjectKey& key) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  IMGIMPORT_ASSIGN_OR_RETURN(Object object, find(key));
  return std::move(object.info);
}

Result<ObjectInfo> MemoryObjectStore::inspect(const CallContext& context, const ObjectKey& key) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  IMGIMPORT_ASSIGN_OR_RETURN(Object object, find(key));
  object.info.hashes.sha256 = sha256_hex(*object.content);
  object.info.hashes.md5 = md5_hex(*object.content);
  return std::move(object.info);
}

Result<ObjectContent> MemoryObjectStore::get(const CallContext& context, const ObjectKey& key,
                                             const std::optional<ByteRange>& range) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  IMGIMPORT_ASSIGN_OR_RETURN(Object object, find(key));
  IMGIMPORT_ASSIGN_OR_RETURN(const ByteSpan bytes, resolve_range(object.content->size(), range));
  ObjectContent content;
  content.info = std::move(object.info);
  content.offset = bytes.offset;
  content.length = bytes.length;
  content.reader = std::make_unique<SharedReader>(std::move(object.content), bytes);
  return content;
}

Result<void> MemoryObjectStore::remove(const CallContext& context, const ObjectKey& key) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  IMGIMPORT_RETURN_IF_ERROR(check_key(key));
  std::lock_guard lock(mutex_);
  objects_.erase(key.value());
  return {};
}

Result<std::vector<UploadTicket>> MemoryObjectStore::tickets(const CallContext&, std::span<const PlannedPut>) {
  return Error(ErrorCode::kUnsupported, "a store in memory is reached by nobody else");
}

Result<std::string> MemoryObjectStore::link(const CallContext&, const ObjectKey&, const LinkOptions&) {
  return Error(ErrorCode::kUnsupported, "a store in memory has no URL");
}

void MemoryObjectStore::fail_put(std::size_t n, Error error) {
  std::lock_guard lock(mutex_);
  failing_puts_.insert_or_assign(puts_ + n, std::move(error));
}

void MemoryObjectStore::fail_flush(Error error) {
  std::lock_guard lock(mutex_);
  failing_flush_ = std::move(error);
}

std::size_t MemoryObjectStore::puts() const {
  std::lock_guard lock(mutex_);
  return puts_;
}

std::size_t MemoryObjectStore::flushes() const {
  std::lock_guard lock(mutex_);
  return flushes_;
}

std::vector<ObjectKey> MemoryObjectStore::keys() const {
  std::lock_guard lock(mutex_);
  std::vector<ObjectKey> all;
  for (const auto& [key, object] : objects_) all.emplace_back(key);
  return all;
}

std::string MemoryObjectStore::content(const ObjectKey& key) const {
  std::lock_guard lock(mutex_);
  const auto found = objects_.find(key.value());
  return found == objects_.end() ? std::string() : *found->second.content;
}

}  // namespace imgimport
