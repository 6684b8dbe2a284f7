// An object store whose puts are done by tickets: somebody who holds the credentials issues the right to one put, and
// the bytes go straight to where they belong, without passing through the issuer. Everything but put is the issuer's.
//
// Threading: as ObjectStore.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/object_store.hpp"

namespace imgimport {

// Older tickets are not begun with, though they may live longer: an upload takes time.
inline constexpr std::chrono::minutes kTicketUsableFor{10};

struct TicketStoreParts {
  ObjectStore& issuer;
  HttpClient& http;
  const Clock& clock;
  std::string base_url;  // of the storage service, for tickets whose URL begins with "/"; no slash at its end
  HttpClient* service_http = nullptr;  // for those; nullptr: http as well
};

class TicketStore final : public ObjectStore {
 public:
  // REQUIRES: the parts outlive it.
  explicit TicketStore(TicketStoreParts parts) : parts_(std::move(parts)) {}

  // Asks for their tickets all at once. What is not used is forgotten when it is too old.
  Result<void> announce(const CallContext& context, std::span<const PlannedPut> plans) override;

  Result<StorePlace> place(const CallContext& context) override { return parts_.issuer.place(context); }
  // One PUT. A ticket that the other side takes for expired is replaced once.
  Result<ObjectInfo> put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                         const PutOptions& options) override;
  // Whoever takes an upload answers once it is durable.
  Result<void> flush(const CallContext& context) override { return context.check(); }
  Result<ObjectInfo> head(const CallContext& context, const ObjectKey& key) override {
    return parts_.issuer.head(context, key);
  }
  Result<ObjectInfo> inspect(const CallContext& context, const ObjectKey& key) override {
    return parts_.issuer.inspect(context, key);
  }
  Result<ObjectContent> get(const CallContext& context, const ObjectKey& key,
                            const std::optional<ByteRange>& range) override {
    return parts_.issuer.get(context, key, range);
  }
  Result<void> remove(const CallContext& context, const ObjectKey& key) override {
    return parts_.issuer.remove(context, key);
  }
  Result<std::vector<UploadTicket>> tickets(const CallContext& context, std::span<const PlannedPut> plans) override {
    return parts_.issuer.tickets(context, plans);
  }
  Result<std::string> link(const CallContext& context, const ObjectKey& key, const LinkOptions& options) override {
    return parts_.issuer.link(context, key, options);
  }

 private:
  struct Body;
  struct Held {
    PlannedPut plan;
    UploadTicket ticket;
    Timestamp issued_at;
  };
  Result<UploadTicket> fresh_ticket(const CallContext& context, const PlannedPut& plan);
  std::optional<UploadTicket> take_held(const PlannedPut& plan);
  bool is_usable(const Held& held) const;
  Result<ObjectInfo> put_with(const CallContext& context, const UploadTicket& ticket, const Body& body) const;
  Result<ObjectInfo> read_answer(const Body& body, const HttpClientResponse& answer) const;

  const TicketStoreParts parts_;
  std::mutex mutex_;
  std::map<ObjectKey, Held> held_;  // guarded by mutex_
};

}  // namespace imgimport
