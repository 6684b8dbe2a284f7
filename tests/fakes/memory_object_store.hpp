// An object store in memory that keeps the whole contract: hashes, sizes, ranges and keys are checked as a real one
// does.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "imgimport/object_store.hpp"

namespace imgimport {

class MemoryObjectStore : public ObjectStore {
 public:
  explicit MemoryObjectStore(StorePlace place = {.provider = "local"}) : place_(std::move(place)) {}

  Result<StorePlace> place(const CallContext&) override { return place_; }
  Result<ObjectInfo> put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                         const PutOptions& options) override;
  Result<void> flush(const CallContext& context) override;
  Result<ObjectInfo> head(const CallContext& context, const ObjectKey& key) override;
  Result<ObjectInfo> inspect(const CallContext& context, const ObjectKey& key) override;
  Result<ObjectContent> get(const CallContext& context, const ObjectKey& key,
                            const std::optional<ByteRange>& range) override;
  Result<void> remove(const CallContext& context, const ObjectKey& key) override;
  Result<std::vector<UploadTicket>> tickets(const CallContext& context, std::span<const PlannedPut> plans) override;
  Result<std::string> link(const CallContext& context, const ObjectKey& key, const LinkOptions& options) override;

  // For tests.
  // The n-th put from now (1 = the next) fails with `error` after reading nothing; may be called for several n.
  void fail_put(std::size_t n, Error error);
  void fail_flush(Error error);  // the next one
  std::size_t puts() const;      // tried, successful or not
  std::size_t flushes() const;
  std::vector<ObjectKey> keys() const;
  // Empty where there is none.
  std::string content(const ObjectKey& key) const;

 private:
  struct Object {
    std::shared_ptr<const std::string> content;  // shared with readers, which outlive a replacement
    ObjectInfo info;
  };
  Result<Object> find(const ObjectKey& key) const;

  const StorePlace place_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, Object> objects_;
  std::map<std::size_t, Error> failing_puts_;
  std::optional<Error> failing_flush_;
  std::size_t puts_ = 0;
  std::size_t flushes_ = 0;
  std::size_t versions_ = 0;
};

}  // namespace imgimport
