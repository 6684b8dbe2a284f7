// ObjectStore on Azure Blob Storage, over its REST interface.
//
// A put whose bytes lie in memory, or whose size and MD5 are known, is one request: Azure refuses bytes of another MD5.
// Other streams go up in blocks, each with its MD5, which become an object only by the request that names them all,
// after the hashes agreed. Azure knows no SHA-256: it is compared here, before the last byte or that last request is
// sent, and kept as metadata.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "imgimport/http_client.hpp"
#include "imgimport/object_store.hpp"
#include "storage/azure/azure_error.hpp"
#include "storage/azure/azure_put.hpp"
#include "storage/azure/azure_request.hpp"
#include "storage/azure/block_reader.hpp"
#include "storage/azure/connection_string.hpp"

namespace imgimport {

struct AzureStoreOptions {
  AzureAccount account;
  std::string container;
  std::string prefix;       // of the keys that this store is given; for its place() alone
  std::string access_tier;  // Hot, Cool, Cold, Archive, in any case; empty = the account's default
  // What a stream without size or MD5 holds in memory; at most 50,000 of them make an object.
  std::size_t block_bytes = 512u << 10;
  std::chrono::milliseconds stall_timeout{15'000};
  std::chrono::seconds ticket_life{900};
};

class AzureStore final : public ObjectStore {
 public:
  // kMisconfigured: the container's name or the access tier is none that Azure has (its message names the setting).
  // REQUIRES: http and clock outlive the store.
  static Result<std::unique_ptr<AzureStore>> create(HttpClient& http, const Clock& clock, AzureStoreOptions options);

  Result<StorePlace> place(const CallContext&) override { return place_; }

  // Makes the container where there is none. Repeated once, without a wait: then, after a broken connection or a fault
  // of Azure's for content in memory, and when another put of the same key took the blocks of this one away. Safe,
  // since it writes the same. Also: kTooLarge (beyond 5,000 MiB), kUnauthenticated and kMisconfigured as azure_error
  // tells them.
  Result<ObjectInfo> put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                         const PutOptions& options) override;
  Result<void> flush(const CallContext& context) override;
  Result<ObjectInfo> head(const CallContext& context, const ObjectKey& key) override;
  // Gives the MD5 that Azure keeps with the blob: checked by it when the bytes came. The SHA-256 that head() reads from
  // the metadata is left out here: it says what was sent, and nothing ties it to the bytes.
  Result<ObjectInfo> inspect(const CallContext& context, const ObjectKey& key) override;
  Result<ObjectContent> get(const CallContext& context, const ObjectKey& key,
                            const std::optional<ByteRange>& range) override;
  // A container that does not exist is kMisconfigured here, not success: it is more likely misspelt than gone.
  Result<void> remove(const CallContext& context, const ObjectKey& key) override;
  // A signature for creating and writing that one blob. It binds neither size nor hash by itself: the headers hold the
  // MD5 where it is known, and read_azure_put_answer() tells what became of the PUT. The first call makes the container
  // where there is none. kMisconfigured: the account is given by a shared access signature, which is broader than a
  // ticket may be.
  Result<std::vector<UploadTicket>> tickets(const CallContext& context, std::span<const PlannedPut> plans) override;
  // kUnsupported: the account is given by a shared access signature.
  Result<std::string> link(const CallContext& context, const ObjectKey& key, const LinkOptions& options) override;

 private:
  AzureStore(HttpClient& http, const Clock& clock, AzureStoreOptions options);

  AzureCall call_for(const ObjectKey& key) const;
  HttpClientRequest prepare(AzureRequest request) const;
  Result<HttpClientResponse> send(const CallContext& context, const HttpClientRequest& request) const;
  Error refusal(const AzureCall& call, const HttpClientResponse& answer) const;

  Result<ObjectInfo> put_once(const CallContext& context, const ObjectKey& key, const Blob& blob,
                              const PutOptions& options) const;
  Result<ObjectInfo> put_memory(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                const PutOptions& options) const;
  Result<ObjectInfo> put_stream(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                const PutOptions& options) const;
  Result<ObjectInfo> put_blocks(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                const PutOptions& options) const;
  Result<ObjectInfo> send_put(const CallContext& context, const ObjectKey& key, const Blob& body, const AzurePut& put,
                              const PutOptions& options) const;
  Result<void> send_block(const CallContext& context, const ObjectKey& key, std::string bytes,
                          const std::string& id) const;
  Result<ObjectInfo> commit(const CallContext& context, const ObjectKey& key, const BlockList& blocks,
                            const AzurePut& put, const PutOptions& options) const;
  Result<HttpClientResponse> look_up(const CallContext& context, const ObjectKey& key) const;
  Error may_not_create(const Error& refused) const;
  Result<void> create_container(const CallContext& context) const;
  static Error needs_key(ErrorCode code, std::string_view what);

  HttpClient& http_;
  const Clock& clock_;
  const AzureStoreOptions options_;
  const StorePlace place_;
  const std::string account_title_;
  std::atomic<bool> container_seen_{false};
};

}  // namespace imgimport
