// The storage service in another process, as an ObjectStore. Bytes are put by ticket (TicketStore over this one), so
// that they go straight to where they belong: put() itself is kUnsupported.
//
// Threading: as ObjectStore. Errors: the service's own, and those of ServiceClient (kUnavailable while it is away).
#pragma once

#include <mutex>
#include <optional>

#include "imgimport/object_store.hpp"
#include "rest/service_client.hpp"

namespace imgimport {

class RemoteObjectStore final : public ObjectStore {
 public:
  // REQUIRES: the client outlives it.
  explicit RemoteObjectStore(ServiceClient& service) : service_(service) {}

  // Asked for until it is known, and once more whenever the service has been away.
  Result<StorePlace> place(const CallContext& context) override;
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

 private:
  ServiceClient& service_;
  std::mutex mutex_;
  std::optional<StorePlace> place_;  // guarded by mutex_
};

}  // namespace imgimport
