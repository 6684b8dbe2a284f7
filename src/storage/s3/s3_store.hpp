// Objects in a bucket of S3, or of anything that speaks its API.
//
// A put is one request. What Drive published travels with it: its SHA-256 is the signed payload hash and the checksum
// that the bucket checks and keeps, or else its MD5 the Content-MD5, so that the bucket itself refuses other bytes and
// nothing is read twice for signing. Content that lies in memory without a SHA-256 is hashed first; a stream without
// one is sent with an unsigned payload, and hashed on the way.
//
// S3 must know the size in advance. Content of unknown size is read once before it is sent: up to 256 KiB of it are
// kept and sent from memory, of more only size and SHA-256 are, and the blob is opened a second time. So a put never
// holds more than that, beyond a blob's own memory.
//
// Redirects are never followed: credentials go to no other host than the settings name.
//
// An S3 that knows no x-amz-checksum headers is found out by its first refusal, and is not sent them again.
//
// Threading: as ObjectStore says; nothing is locked here.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/object_store.hpp"
#include "storage/s3/aws_credentials.hpp"
#include "storage/s3/endpoint.hpp"
#include "storage/s3/s3_error.hpp"
#include "storage/s3/s3_put.hpp"

namespace imgimport {

struct S3Options {
  std::string bucket;
  std::string region;
  std::string endpoint_url;       // empty = AWS
  std::string prefix;             // what place() says; keys hold it already
  std::string storage_class;      // empty = the bucket's default, as with the next two
  std::string encryption;         // "AES256", "aws:kms"
  std::string encryption_key_id;  // of KMS
};

class S3Store final : public ObjectStore {
 public:
  // The lifetime of a header's signature: how far S3 lets x-amz-date be off.
  static constexpr std::chrono::minutes kTicketLife{15};

  // Asks nobody yet. kMisconfigured: see s3_endpoint(). REQUIRES: http and clock outlive the store.
  static Result<std::unique_ptr<S3Store>> open(S3Options options, HttpClient& http,
                                               std::unique_ptr<AwsCredentialsProvider> credentials, const Clock& clock);

  Result<StorePlace> place(const CallContext&) override { return place_; }

  // Repeated once, without a wait, when the credentials had run out and fresh ones are there, and, for content in
  // memory, after a broken connection or a status of 500 or 502: safe, since a put under the same key writes the same.
  // Besides the contract's errors: those of s3_error(), kTooLarge beyond 5 GiB.
  Result<ObjectInfo> put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                         const PutOptions& options) override;
  Result<void> flush(const CallContext& context) override;
  Result<ObjectInfo> head(const CallContext& context, const ObjectKey& key) override;
  // SHA-256 where the bucket keeps one, MD5 where the ETag is one.
  Result<ObjectInfo> inspect(const CallContext& context, const ObjectKey& key) override;
  Result<ObjectContent> get(const CallContext& context, const ObjectKey& key,
                            const std::optional<ByteRange>& range) override;
  Result<void> remove(const CallContext& context, const ObjectKey& key) override;

  // On AWS they carry the checksum that the bucket keeps; elsewhere Content-MD5, since who holds a ticket cannot leave
  // a header out. Signed by headers, which bind key, type, checksums and, with a SHA-256, the bytes. The size is bound,
  // too: the signature covers Content-Length, which is not among the ticket's headers since every client sends its own.
  Result<std::vector<UploadTicket>> tickets(const CallContext& context, std::span<const PlannedPut> plans) override;
  // Lives for seven days at most, and no longer than the credentials that sign it.
  Result<std::string> link(const CallContext& context, const ObjectKey& key, const LinkOptions& options) override;

  // Whether the bucket answers to these credentials: one HEAD. The errors of s3_error(); access_denied may mean no more
  // than that s3:ListBucket is not granted, which nothing else here needs.
  Result<void> check_bucket(const CallContext& context);

 private:
  // One request to be signed and sent.
  struct Outgoing {
    HttpMethod method = HttpMethod::kGet;
    std::string key;  // empty: the bucket itself
    HttpHeaders headers;
    std::string payload_hash;
    const Blob* upload = nullptr;
    std::optional<std::uint64_t> upload_size;
  };
  // A body that is ready to be sent, with what is known of it.
  struct Body;

  S3Store(S3Options options, S3Endpoint endpoint, HttpClient& http, std::unique_ptr<AwsCredentialsProvider> credentials,
          const Clock& clock);

  std::string path_of(std::string_view key) const;
  std::string url_of(std::string_view key, std::string_view query) const;
  S3Request described(const Outgoing& outgoing, const AwsCredentials& credentials) const;
  HttpClientRequest signed_request(const Outgoing& outgoing, const AwsCredentials& credentials) const;
  UploadTicket ticket(const PlannedPut& plan, const AwsCredentials& credentials) const;

  template <class Attempt>
  std::invoke_result_t<Attempt, const AwsCredentials&> with_credentials(const CallContext& context, Attempt attempt);

  Result<Body> prepare(const CallContext& context, const Blob& blob, const PutOptions& options) const;
  Result<ObjectInfo> put_body(const CallContext& context, const Outgoing& outgoing, const Body& body);
  Result<ObjectInfo> put_once(const CallContext& context, const Outgoing& outgoing, const Body& body,
                              const AwsCredentials& credentials) const;
  Result<ObjectInfo> look_up(const CallContext& context, const ObjectKey& key, HttpHeaders headers);
  Result<HttpClientResponse> send_checked(const CallContext& context, const Outgoing& outgoing);
  Result<ObjectContent> content_of(std::unique_ptr<HttpDownload> answer, const std::optional<ByteRange>& range) const;

  const S3ObjectSettings object_settings_;
  const StorePlace place_;
  const std::string region_;
  const S3Endpoint endpoint_;
  HttpClient& http_;
  const std::unique_ptr<AwsCredentialsProvider> credentials_;
  const Clock& clock_;
  std::atomic<bool> sends_checksums_{true};  // until this S3 has refused an x-amz-checksum header
};

}  // namespace imgimport
