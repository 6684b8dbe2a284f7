#include "storage/s3/s3_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "base/http_date.hpp"
#include "base/object_key.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "storage/checked_upload.hpp"
#include "storage/first_pass.hpp"
#include "storage/http_answer.hpp"
#include "storage/s3/sigv4.hpp"

namespace imgimport {
namespace {

// Of a stream without a SHA-256, so much is read ahead, for a signature over it.
constexpr std::size_t kReadAheadBytes = 256 << 10;
// Of answers that are no objects; larger ones come from something that is no S3.
constexpr std::size_t kMaxAnswerBytes = 1 << 20;

Result<void> check_size_limit(std::uint64_t size) {
  if (size <= kMaxS3PutBytes) return {};
  return Error(ErrorCode::kTooLarge, fmt::format("the content has {} bytes; one upload to S3 may have 5 GiB", size))
      .with_reason("too_large");
}

// What the head of an answer tells of the object; its size is where the caller finds it.
ObjectInfo info_in(const HttpHeaders& headers) {
  ObjectInfo info;
  info.etag = etag_of(headers);
  info.version_id = header_of(headers, "x-amz-version-id");
  info.modified_at = parse_http_date(header_of(headers, "Last-Modified"));
  return info;
}

// Trouble that has passed by the time it is noticed: asking again at once is as good as asking later.
bool is_worth_an_immediate_repeat(const Error& error) {
  return error.code() == ErrorCode::kUnavailable &&
         (error.reason() == "connection_broken" || error.reason() == "internal_error");
}

Error unusable_answer(const std::string& key) {
  return Error(ErrorCode::kUnavailable, fmt::format("S3 did not say which bytes of {} it sent", key))
      .with_reason("unexpected_answer");
}

}  // namespace

struct S3Store::Body {
  const Blob* blob = nullptr;  // to be sent: one of the next two, or the caller's
  std::unique_ptr<BytesBlob> kept;
  std::unique_ptr<CheckedUpload> checked;
  std::uint64_t size_bytes = 0;
  ContentHashes promised;  // goes into headers and signature
  ContentHashes computed;  // beyond those, before sending

  bool in_memory() const { return checked == nullptr; }
};

S3Store::S3Store(S3Options options, S3Endpoint endpoint, HttpClient& http,
                 std::unique_ptr<AwsCredentialsProvider> credentials, const Clock& clock)
    : object_settings_{std::move(options.storage_class), std::move(options.encryption),
                       std::move(options.encryption_key_id)},
      place_{.provider = "aws", .bucket = std::move(options.bucket), .prefix = std::move(options.prefix)},
      region_(std::move(options.region)),
      endpoint_(std::move(endpoint)),
      http_(http),
      credentials_(std::move(credentials)),
      clock_(clock) {}

Result<std::unique_ptr<S3Store>> S3Store::open(S3Options options, HttpClient& http,
                                               std::unique_ptr<AwsCredentialsProvider> credentials,
                                               const Clock& clock) {
  IMGIMPORT_ASSIGN_OR_RETURN(
      S3Endpoint endpoint,
      s3_endpoint({.bucket = options.bucket, .region = options.region, .endpoint_url = options.endpoint_url}));
  return std::unique_ptr<S3Store>(
      new S3Store(std::move(options), std::move(endpoint), http, std::move(credentials), clock));
}

std::string S3Store::path_of(std::string_view key) const {
  return key.empty() ? endpoint_.path_prefix : endpoint_.path_of(key);
}

std::string S3Store::url_of(std::string_view key, std::string_view query) const {
  std::string url = endpoint_.base_url + canonical_path(path_of(key));
  if (!query.empty()) url.append("?").append(query);
  return url;
}

S3Request S3Store::described(const Outgoing& outgoing, const AwsCredentials& credentials) const {
  return {.method = outgoing.method,
          .key = outgoing.key,
          .bucket = place_.bucket,
          .region = region_,
          .endpoint = endpoint_.base_url,
          .access_key_id = credentials.access_key_id,
          .temporary_key = !credentials.session_token.empty(),
          .custom_endpoint = !endpoint_.is_aws};
}

HttpClientRequest S3Store::signed_request(const Outgoing& outgoing, const AwsCredentials& credentials) const {
  const HttpHeaders signature = sign_headers({.credentials = credentials, .region = region_, .time = clock_.now()},
                                             {.method = outgoing.method,
                                              .host = endpoint_.host,
                                              .path = path_of(outgoing.key),
                                              .query = {},
                                              .headers = outgoing.headers,
                                              .payload_hash = outgoing.payload_hash});
  HttpClientRequest request;
  request.method = outgoing.method;
  request.url = url_of(outgoing.key, {});
  request.headers = outgoing.headers;
  for (const auto& [name, value] : signature.all()) request.headers.set(name, value);
  request.upload = outgoing.upload;
  request.upload_size = outgoing.upload_size;
  request.max_response_bytes = kMaxAnswerBytes;
  return request;
}

// Once more with fresh credentials when S3 took these for expired and there are others by now: the clock of whoever
// gave them out may differ, and they may be called back.
template <class Attempt>
std::invoke_result_t<Attempt, const AwsCredentials&> S3Store::with_credentials(const CallContext& context,
                                                                               Attempt attempt) {
  IMGIMPORT_ASSIGN_OR_RETURN(const AwsCredentials credentials, credentials_->credentials(context));
  auto result = attempt(credentials);
  if (result.has_value()) return result;
  Error error = std::move(result).error();
  if (!wants_fresh_credentials(error)) return error;
  credentials_->expired(credentials);
  IMGIMPORT_ASSIGN_OR_RETURN(const AwsCredentials fresh, credentials_->credentials(context));
  if (fresh == credentials) return error;
  return attempt(fresh);
}

// --- put ---

Result<S3Store::Body> S3Store::prepare(const CallContext& context, const Blob& blob, const PutOptions& options) const {
  Body body;
  body.promised = options.expected;
  const auto from_memory = [&](const Blob& source, std::span<const std::byte> bytes) {
    body.blob = &source;
    body.size_bytes = bytes.size();
    if (body.promised.sha256.empty()) body.promised.sha256 = sha256_hex(bytes);
  };
  const auto from_stream = [&](std::uint64_t size, std::vector<HashAlgorithm> computed) {
    body.checked = std::make_unique<CheckedUpload>(
        blob, UploadPlan{.size_bytes = size, .expected = body.promised, .computed = std::move(computed)});
    body.blob = body.checked.get();
    body.size_bytes = size;
  };

  if (const auto bytes = blob.in_memory()) {
    IMGIMPORT_RETURN_IF_ERROR(check_size_limit(bytes->size()));
    from_memory(blob, *bytes);
    return body;
  }
  if (blob.size()) IMGIMPORT_RETURN_IF_ERROR(check_size_limit(*blob.size()));
  const std::uint64_t size = blob.size().value_or(0);
  if (size > 0 && !body.promised.sha256.empty()) {
    from_stream(size, {});
    return body;
  }
  if (size > kReadAheadBytes) {
    std::vector<HashAlgorithm> computed = {HashAlgorithm::kSha256};
    if (body.promised.md5.empty()) computed.push_back(HashAlgorithm::kMd5);
    from_stream(size, std::move(computed));
    return body;
  }
  IMGIMPORT_ASSIGN_OR_RETURN(FirstPass pass, read_through(context, blob,
                                                          {.keep_bytes = kReadAheadBytes,
                                                           .max_bytes = kMaxS3PutBytes,
                                                           .expected = options.expected,
                                                           .computed = {HashAlgorithm::kSha256}}));
  body.promised.sha256 = pass.hashes.sha256;
  if (pass.content) {
    body.kept = std::make_unique<BytesBlob>(*std::move(pass.content));
    from_memory(*body.kept, *body.kept->in_memory());
  } else {
    from_stream(pass.size_bytes, {});
  }
  return body;
}

Result<ObjectInfo> S3Store::put_once(const CallContext& context, const Outgoing& outgoing, const Body& body,
                                     const AwsCredentials& credentials) const {
  IMGIMPORT_ASSIGN_OR_RETURN(const HttpClientResponse answer,
                             http_.send(context, signed_request(outgoing, credentials)));
  S3PutSent sent{.request = described(outgoing, credentials),
                 .size_bytes = body.size_bytes,
                 .promised = body.promised,
                 .computed = body.computed};
  if (body.checked && body.checked->hashes()) sent.computed = *body.checked->hashes();
  IMGIMPORT_ASSIGN_OR_RETURN(
      ObjectInfo info,
      s3_put_result(sent,
                    {.status = answer.status, .headers = answer.headers, .body = answer.body, .now = clock_.now()}));
  if (body.checked && !body.checked->hashes()) {
    return Error(ErrorCode::kUnavailable, "S3 answered before it had the whole body").with_reason("unexpected_answer");
  }
  return info;
}

Result<ObjectInfo> S3Store::put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                const PutOptions& options) {
  IMGIMPORT_RETURN_IF_ERROR(check_object_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  IMGIMPORT_ASSIGN_OR_RETURN(const Body body, prepare(context, blob, options));
  Outgoing outgoing;
  outgoing.method = HttpMethod::kPut;
  outgoing.key = key.value();
  outgoing.payload_hash = s3_payload_hash(body.promised);
  outgoing.upload = body.blob;
  outgoing.upload_size = body.size_bytes;
  // What was published is what the bucket shall check; our own hash of the bytes is told only where there is nothing.
  const bool published = !options.expected.sha256.empty() || !options.expected.md5.empty();
  const PutOptions told{.content_type = options.content_type, .expected = published ? options.expected : body.promised};
  const auto checksum = sends_checksums_ ? S3ChecksumHeader::kSha256 : S3ChecksumHeader::kMd5;
  outgoing.headers = s3_put_headers(object_settings_, told, checksum);
  auto result = put_body(context, outgoing, body);
  if (result.has_value() || !wants_no_checksum_headers(result.error())) return result;
  sends_checksums_ = false;
  outgoing.headers = s3_put_headers(object_settings_, told, S3ChecksumHeader::kMd5);
  return put_body(context, outgoing, body);
}

Result<ObjectInfo> S3Store::put_body(const CallContext& context, const Outgoing& outgoing, const Body& body) {
  const auto attempt = [&](const AwsCredentials& credentials) {
    return put_once(context, outgoing, body, credentials);
  };
  auto result = with_credentials(context, attempt);
  // A stream is left to the journal, which pays for its new download.
  if (result.has_value() || !body.in_memory() || !is_worth_an_immediate_repeat(result.error())) return result;
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  return with_credentials(context, attempt);
}

Result<void> S3Store::flush(const CallContext& context) {
  return context.check();
}

// --- head, inspect, get, remove ---

Result<HttpClientResponse> S3Store::send_checked(const CallContext& context, const Outgoing& outgoing) {
  return with_credentials(context, [&](const AwsCredentials& credentials) -> Result<HttpClientResponse> {
    IMGIMPORT_ASSIGN_OR_RETURN(HttpClientResponse answer, http_.send(context, signed_request(outgoing, credentials)));
    if (answer.status >= 200 && answer.status <= 299) return answer;
    return s3_error(described(outgoing, credentials),
                    {.status = answer.status, .headers = answer.headers, .body = answer.body, .now = clock_.now()});
  });
}

Result<void> S3Store::check_bucket(const CallContext& context) {
  IMGIMPORT_RETURN_IF_ERROR(
      send_checked(context, {.method = HttpMethod::kHead, .payload_hash = std::string(kEmptyPayload)}));
  return {};
}

Result<ObjectInfo> S3Store::look_up(const CallContext& context, const ObjectKey& key, HttpHeaders headers) {
  IMGIMPORT_RETURN_IF_ERROR(check_object_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  auto answer = send_checked(context, {.method = HttpMethod::kHead,
                                       .key = key.value(),
                                       .headers = std::move(headers),
                                       .payload_hash = std::string(kEmptyPayload)});
  if (!answer.has_value()) {
    Error error = std::move(answer).error();
    // Without a body, the answer does not tell whether the object is missing or its bucket.
    if (error.code() == ErrorCode::kNotFound) {
      const auto bucket = check_bucket(context);
      if (!bucket.has_value() && bucket.error().reason() == "no_such_bucket") return bucket.error();
    }
    return error;
  }
  const auto length = header_of(answer->headers, "Content-Length");
  ObjectInfo info = info_in(answer->headers);
  const auto size = parse_content_length(length);
  if (!size) return unusable_answer(key.value());
  info.size_bytes = *size;
  info.hashes.sha256 = sha256_in_checksum(answer->headers);
  info.hashes.md5 = md5_in_etag(answer->headers);
  return info;
}

Result<ObjectInfo> S3Store::head(const CallContext& context, const ObjectKey& key) {
  return look_up(context, key, {});
}

Result<ObjectInfo> S3Store::inspect(const CallContext& context, const ObjectKey& key) {
  if (!sends_checksums_) return look_up(context, key, {});
  HttpHeaders headers;
  headers.set("x-amz-checksum-mode", "ENABLED");
  auto info = look_up(context, key, std::move(headers));
  // An S3 that does not know the header says so by a bare status.
  if (info.has_value() || endpoint_.is_aws) return info;
  Error error = std::move(info).error();
  if (error.reason() != "refused_by_store" && error.reason() != "not_implemented") return error;
  auto plain = look_up(context, key, {});
  if (plain.has_value()) sends_checksums_ = false;
  return plain;
}

Result<ObjectContent> S3Store::get(const CallContext& context, const ObjectKey& key,
                                   const std::optional<ByteRange>& range) {
  IMGIMPORT_RETURN_IF_ERROR(check_object_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  Outgoing outgoing;
  outgoing.key = key.value();
  outgoing.payload_hash = std::string(kEmptyPayload);
  if (range) {
    // S3 would take these for no range at all and send everything.
    const bool is_none = range->suffix ? *range->suffix == 0 : range->last && *range->last < range->first;
    if (is_none) {
      return Error(ErrorCode::kInvalidArgument, "the range is empty").with_reason("range_not_satisfiable");
    }
    outgoing.headers.set("Range", range_header(*range));
  }
  return with_credentials(context, [&](const AwsCredentials& credentials) -> Result<ObjectContent> {
    IMGIMPORT_ASSIGN_OR_RETURN(auto answer, http_.open(context, signed_request(outgoing, credentials)));
    if (answer->status() == 200 || answer->status() == 206) return content_of(std::move(answer), range);
    IMGIMPORT_ASSIGN_OR_RETURN(const std::string body, read_answer_body(context, *answer));
    return s3_error(described(outgoing, credentials),
                    {.status = answer->status(), .headers = answer->headers(), .body = body, .now = clock_.now()});
  });
}

Result<ObjectContent> S3Store::content_of(std::unique_ptr<HttpDownload> answer,
                                          const std::optional<ByteRange>& range) const {
  const auto length = answer->content_length();
  if (!length) return unusable_answer("the object");
  ObjectContent content;
  content.info = info_in(answer->headers());
  content.length = *length;
  if (answer->status() == 206) {
    const auto sent = parse_content_range(header_of(answer->headers(), "Content-Range"));
    if (!sent || sent->last - sent->first + 1 != *length) return unusable_answer("the object");
    content.info.size_bytes = sent->size;
    content.offset = sent->first;
  } else {
    content.info.size_bytes = *length;
    // Everything instead of a part, which HTTP allows and S3 does not do.
    if (range && (range->first > 0 || range->last || range->suffix)) return unusable_answer("the object");
  }
  content.reader = std::move(answer);
  return content;
}

Result<void> S3Store::remove(const CallContext& context, const ObjectKey& key) {
  IMGIMPORT_RETURN_IF_ERROR(check_object_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const auto answer = send_checked(
      context, {.method = HttpMethod::kDelete, .key = key.value(), .payload_hash = std::string(kEmptyPayload)});
  if (answer.has_value() || answer.error().reason() == "no_such_object") return {};
  return answer.error();
}

// --- tickets and links ---

UploadTicket S3Store::ticket(const PlannedPut& plan, const AwsCredentials& credentials) const {
  const Timestamp now = clock_.now();
  UnsignedRequest request;
  request.method = HttpMethod::kPut;
  request.host = endpoint_.host;
  request.path = path_of(plan.key.value());
  request.headers = s3_put_headers(object_settings_, plan.options,
                                   endpoint_.is_aws ? S3ChecksumHeader::kSha256 : S3ChecksumHeader::kMd5);
  request.payload_hash = s3_payload_hash(plan.options.expected);
  UploadTicket made;
  made.key = plan.key;
  made.url = url_of(plan.key.value(), {});
  made.headers = request.headers;
  if (plan.size_bytes) request.headers.set("Content-Length", fmt::format("{}", *plan.size_bytes));
  const HttpHeaders signature = sign_headers({.credentials = credentials, .region = region_, .time = now}, request);
  for (const auto& [name, value] : signature.all()) made.headers.set(name, value);
  made.expires_at = now + kTicketLife;
  if (credentials.expires_at) made.expires_at = std::min(made.expires_at, *credentials.expires_at);
  return made;
}

Result<std::vector<UploadTicket>> S3Store::tickets(const CallContext& context, std::span<const PlannedPut> plans) {
  for (const PlannedPut& plan : plans) {
    IMGIMPORT_RETURN_IF_ERROR(check_object_key(plan.key));
    if (plan.size_bytes) IMGIMPORT_RETURN_IF_ERROR(check_size_limit(*plan.size_bytes));
  }
  IMGIMPORT_ASSIGN_OR_RETURN(const AwsCredentials credentials, credentials_->credentials(context));
  std::vector<UploadTicket> made;
  made.reserve(plans.size());
  for (const PlannedPut& plan : plans) made.push_back(ticket(plan, credentials));
  return made;
}

Result<std::string> S3Store::link(const CallContext& context, const ObjectKey& key, const LinkOptions& options) {
  IMGIMPORT_RETURN_IF_ERROR(check_object_key(key));
  IMGIMPORT_ASSIGN_OR_RETURN(const AwsCredentials credentials, credentials_->credentials(context));
  UnsignedRequest request;
  request.host = endpoint_.host;
  request.path = path_of(key.value());
  request.payload_hash = std::string(kUnsignedPayload);
  if (!options.content_type.empty()) request.query.emplace_back("response-content-type", options.content_type);
  if (!options.content_disposition.empty()) {
    request.query.emplace_back("response-content-disposition", options.content_disposition);
  }
  return url_of(key.value(), presign_query({.credentials = credentials, .region = region_, .time = clock_.now()},
                                           request, options.valid_for));
}

}  // namespace imgimport
