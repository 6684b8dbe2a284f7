#include "storage/azure/azure_store.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "base/http_date.hpp"
#include "base/object_key.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "storage/azure/sas.hpp"
#include "storage/byte_range.hpp"
#include "storage/checked_upload.hpp"
#include "storage/content_hasher.hpp"
#include "storage/first_pass.hpp"
#include "storage/http_answer.hpp"

namespace imgimport {
namespace {

constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kAccepted = 202;
constexpr int kPartialContent = 206;

// https://learn.microsoft.com/en-us/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
bool is_container_name(std::string_view name) {
  if (name == "$web") return true;
  return name.size() >= 3 && name.size() <= 63 && !name.starts_with('-') && !name.ends_with('-') &&
         name.find("--") == std::string_view::npos &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

// As Azure writes it; nullopt: there is none of that name.
std::optional<std::string> canonical_tier(std::string_view name) {
  if (name.empty()) return std::string();
  constexpr std::array<std::string_view, 4> kTiers = {"Hot", "Cool", "Cold", "Archive"};
  for (const std::string_view tier : kTiers) {
    if (equals_ignore_case(tier, name)) return std::string(tier);
  }
  return std::nullopt;
}

// Azure drops dots at the end of a segment, and two keys would meet.
bool loses_dots(std::string_view key) {
  return key.ends_with('.') || key.find("./") != std::string_view::npos;
}

Result<void> check_key(const ObjectKey& key) {
  if (is_valid_object_key(key.value()) && !loses_dots(key.value())) return {};
  return Error(ErrorCode::kInvalidArgument, "not an object key").with_reason("bad_object_key");
}

ObjectInfo info_of(const HttpHeaders& headers, std::uint64_t size) {
  ObjectInfo info;
  info.size_bytes = size;
  info.etag = etag_of(headers);
  info.version_id = header_of(headers, "x-ms-version-id");
  info.modified_at = parse_http_date(header_of(headers, "Last-Modified"));
  // With a range, Content-MD5 would be that of the part.
  const auto whole = headers.find("x-ms-blob-content-md5");
  info.hashes.md5 = md5_from_base64(whole ? *whole : headers.find("Content-MD5").value_or(""));
  const std::string sha256 = header_of(headers, "x-ms-meta-sha256");
  if (const auto raw = from_hex(sha256); raw && raw->size() == 32) info.hashes.sha256 = to_lower_ascii(sha256);
  return info;
}

Error unexpected(std::string_view what) {
  return Error(ErrorCode::kUnavailable, "Azure's answer cannot be understood: " + std::string(what))
      .with_reason("unexpected_answer")
      .with_remedy("Check BlobEndpoint in AZURE_STORAGE_CONNECTION_STRING, and any proxy on the way.");
}

// Faults of the way to Azure, with what a person can do where that is a setting.
Error way_error(Error error, const HttpClientRequest& request) {
  // Of a stream, that may be the source's word.
  const bool is_about_answer = request.upload == nullptr || request.upload->in_memory();
  if (error.code() == ErrorCode::kTooLarge && is_about_answer) return unexpected("it is too long");
  if (error.reason() == "host_not_resolved") {
    return std::move(error).with_remedy(
        "Check AccountName, EndpointSuffix and BlobEndpoint in AZURE_STORAGE_CONNECTION_STRING.");
  }
  return error;
}

// Trouble that has passed by the time it is noticed: asking again at once is as good as asking later. A stream would
// have to be downloaded again for it.
bool is_worth_an_immediate_repeat(const Error& error, const Blob& blob) {
  if (error.reason() == "blocks_lost") return true;
  return blob.in_memory() && (error.reason() == "connection_broken" || error.reason() == "internal_error");
}

// What a 200 or 206 holds of the object.
struct Extent {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  std::uint64_t size = 0;  // of the whole object
};

Result<Extent> extent_of(const HttpDownload& download) {
  const auto length = download.content_length();
  if (!length) return unexpected("it tells no length");
  if (download.status() == kOk) return Extent{0, *length, *length};
  if (*length == 0) {
    // What Azurite says of a range that begins at the very end; Azure refuses it.
    return Error(ErrorCode::kInvalidArgument, "the range lies outside the object").with_reason("range_not_satisfiable");
  }
  const auto range = parse_content_range(download.headers().find("Content-Range").value_or(""));
  if (!range || range->last - range->first + 1 != *length) return unexpected("its range and its length differ");
  return Extent{range->first, *length, range->size};
}

}  // namespace

AzureStore::AzureStore(HttpClient& http, const Clock& clock, AzureStoreOptions options)
    : http_(http),
      clock_(clock),
      options_(std::move(options)),
      place_{"azure", options_.container, options_.prefix},
      account_title_(options_.account.title()) {}

Result<std::unique_ptr<AzureStore>> AzureStore::create(HttpClient& http, const Clock& clock,
                                                       AzureStoreOptions options) {
  if (!is_container_name(options.container)) {
    return Error(ErrorCode::kMisconfigured, "AZURE_STORAGE_CONTAINER_NAME is no name that Azure gives to a container")
        .with_reason("bad_container_name")
        .with_remedy("Use 3 to 63 lower-case letters, digits and single hyphens.");
  }
  if (loses_dots(options.prefix)) {
    return Error(ErrorCode::kMisconfigured, "OBJECT_PREFIX has a part that ends in a dot, which Azure would drop")
        .with_reason("bad_object_prefix")
        .with_remedy("Set OBJECT_PREFIX to one without such a dot.");
  }
  auto tier = canonical_tier(options.access_tier);
  if (!tier) {
    return Error(ErrorCode::kMisconfigured, "STORAGE_CLASS is no access tier of Azure")
        .with_reason("bad_access_tier")
        .with_remedy("Set STORAGE_CLASS to Hot, Cool, Cold or Archive, or leave it empty.");
  }
  options.access_tier = *std::move(tier);
  return std::unique_ptr<AzureStore>(new AzureStore(http, clock, std::move(options)));
}

AzureCall AzureStore::call_for(const ObjectKey& key) const {
  return {.account = account_title_, .container = options_.container, .blob = key.value()};
}

HttpClientRequest AzureStore::prepare(AzureRequest request) const {
  request.container = options_.container;
  HttpClientRequest ready = make_azure_request(options_.account, std::move(request), clock_.now());
  ready.stall_timeout = options_.stall_timeout;
  ready.max_response_bytes = kMaxErrorBodyBytes;
  return ready;
}

Result<HttpClientResponse> AzureStore::send(const CallContext& context, const HttpClientRequest& request) const {
  auto answer = http_.send(context, request);
  if (!answer.has_value()) return way_error(std::move(answer).error(), request);
  return answer;
}

Error AzureStore::refusal(const AzureCall& call, const HttpClientResponse& answer) const {
  return azure_error(call,
                     {.status = answer.status, .headers = answer.headers, .body = answer.body, .now = clock_.now()});
}

// --- put ---------------------------------------------------------------------------------------------------------

Result<ObjectInfo> AzureStore::put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                   const PutOptions& options) {
  IMGIMPORT_RETURN_IF_ERROR(check_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  auto stored = put_once(context, key, blob, options);
  if (stored.has_value()) {
    container_seen_ = true;
    return stored;
  }
  const Error error = stored.error();
  if (error.reason() == "no_such_container") {
    const auto made = create_container(context);
    if (!made.has_value()) return made.error().stops_the_job() ? may_not_create(made.error()) : made.error();
  } else if (!is_worth_an_immediate_repeat(error, blob)) {
    return stored;
  }
  // Safe: the same bytes under the same key, and the blob is opened again.
  stored = put_once(context, key, blob, options);
  if (stored.has_value()) container_seen_ = true;
  return stored;
}

Result<ObjectInfo> AzureStore::put_once(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                        const PutOptions& options) const {
  if (blob.in_memory()) return put_memory(context, key, blob, options);
  const bool checked_by_azure = !options.expected.md5.empty();
  if (checked_by_azure && blob.size().value_or(0) > 0) return put_stream(context, key, blob, options);
  return put_blocks(context, key, blob, options);
}

Result<ObjectInfo> AzureStore::put_memory(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                          const PutOptions& options) const {
  const std::span<const std::byte> bytes = *blob.in_memory();
  AzurePut put{.size_bytes = bytes.size(), .hashes = {.md5 = options.expected.md5, .sha256 = sha256_hex(bytes)}};
  IMGIMPORT_RETURN_IF_ERROR(check_hashes({.sha256 = options.expected.sha256}, put.hashes));
  if (put.hashes.md5.empty()) put.hashes.md5 = md5_hex(bytes);
  return send_put(context, key, blob, std::move(put), options);
}

Result<ObjectInfo> AzureStore::put_stream(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                          const PutOptions& options) const {
  const std::uint64_t size = *blob.size();
  const CheckedUpload upload(blob,
                             {.size_bytes = size, .expected = options.expected, .computed = {HashAlgorithm::kSha256}});
  AzurePut put{.size_bytes = size, .hashes = options.expected};
  auto stored = send_put(context, key, upload, std::move(put), options);
  if (!stored.has_value()) return stored;
  if (!upload.hashes()) return unexpected("it came before the end of the body");
  stored->hashes.sha256 = upload.hashes()->sha256;
  return stored;
}

Result<ObjectInfo> AzureStore::put_blocks(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                          const PutOptions& options) const {
  BlockReader reader(blob, options_.block_bytes);
  IMGIMPORT_ASSIGN_OR_RETURN(BlockReader::Block block, reader.next(context));
  if (block.is_last) {
    IMGIMPORT_ASSIGN_OR_RETURN(const AzurePut put, reader.finish(options.expected));
    return send_put(context, key, BytesBlob(std::move(block.bytes)), put, options);
  }
  BlockList blocks;
  while (!block.bytes.empty()) {
    const bool was_last = block.is_last;
    IMGIMPORT_RETURN_IF_ERROR(send_block(context, key, std::move(block.bytes), blocks.add()));
    if (was_last) break;
    IMGIMPORT_ASSIGN_OR_RETURN(block, reader.next(context));
  }
  // Blocks that are never committed vanish by themselves within a week.
  IMGIMPORT_ASSIGN_OR_RETURN(const AzurePut put, reader.finish(options.expected));
  return commit(context, key, blocks, put, options);
}

Result<void> AzureStore::send_block(const CallContext& context, const ObjectKey& key, std::string bytes,
                                    const std::string& id) const {
  AzureRequest request;
  request.method = HttpMethod::kPut;
  request.blob = key.value();
  request.query = {{"comp", "block"}, {"blockid", id}};
  request.headers.set("Content-MD5", md5_to_base64(md5_hex(bytes)));
  request.content_length_bytes = bytes.size();
  HttpClientRequest ready = prepare(std::move(request));
  ready.body = std::move(bytes);
  IMGIMPORT_ASSIGN_OR_RETURN(const HttpClientResponse answer, send(context, ready));
  if (answer.status != kCreated) return refusal(call_for(key), answer);
  return {};
}

Result<ObjectInfo> AzureStore::commit(const CallContext& context, const ObjectKey& key, const BlockList& blocks,
                                      const AzurePut& put, const PutOptions& options) const {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  AzureRequest request;
  request.method = HttpMethod::kPut;
  request.blob = key.value();
  request.query = {{"comp", "blocklist"}};
  IMGIMPORT_ASSIGN_OR_RETURN(request.headers, azure_commit_headers({.content_type = options.content_type,
                                                                    .access_tier = options_.access_tier,
                                                                    .hashes = put.hashes}));
  std::string document = blocks.document();
  request.content_length_bytes = document.size();
  HttpClientRequest ready = prepare(std::move(request));
  ready.body = std::move(document);
  IMGIMPORT_ASSIGN_OR_RETURN(const HttpClientResponse answer, send(context, ready));
  return read_azure_commit_answer(put, call_for(key), answer, clock_.now());
}

Result<ObjectInfo> AzureStore::send_put(const CallContext& context, const ObjectKey& key, const Blob& body,
                                        const AzurePut& put, const PutOptions& options) const {
  AzureRequest request;
  request.method = HttpMethod::kPut;
  request.blob = key.value();
  IMGIMPORT_ASSIGN_OR_RETURN(request.headers, azure_put_headers({.content_type = options.content_type,
                                                                 .access_tier = options_.access_tier,
                                                                 .hashes = put.hashes}));
  request.content_length_bytes = put.size_bytes;
  HttpClientRequest ready = prepare(std::move(request));
  ready.upload = &body;
  ready.upload_size = put.size_bytes;
  IMGIMPORT_ASSIGN_OR_RETURN(const HttpClientResponse answer, send(context, ready));
  return read_azure_put_answer(put, call_for(key), answer, clock_.now());
}

// The credentials were good enough for Azure to say that the container is missing.
Error AzureStore::may_not_create(const Error& refused) const {
  return Error(ErrorCode::kMisconfigured, "the container \"" + options_.container +
                                              "\" does not exist, and could not be created: " + refused.message())
      .with_reason("no_such_container")
      .with_remedy(
          "Create the container, or set AZURE_STORAGE_CONTAINER_NAME to one that exists, or let the credentials in "
          "AZURE_STORAGE_CONNECTION_STRING create containers.");
}

Result<void> AzureStore::create_container(const CallContext& context) const {
  AzureRequest request;
  request.method = HttpMethod::kPut;
  request.query = {{"restype", "container"}};
  IMGIMPORT_ASSIGN_OR_RETURN(const HttpClientResponse answer, send(context, prepare(std::move(request))));
  if (answer.status == kCreated) return {};
  const AzureCall call{.account = account_title_, .container = options_.container, .blob = {}};
  const AzureRefusal refused{
      .status = answer.status, .headers = answer.headers, .body = answer.body, .now = clock_.now()};
  if (azure_error_code(refused) == "ContainerAlreadyExists") return {};
  return azure_error(call, refused);
}

// --- everything else ---------------------------------------------------------------------------------------------

Result<void> AzureStore::flush(const CallContext& context) {
  return context.check();
}

Result<HttpClientResponse> AzureStore::look_up(const CallContext& context, const ObjectKey& key) const {
  IMGIMPORT_RETURN_IF_ERROR(check_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  AzureRequest request;
  request.method = HttpMethod::kHead;
  request.blob = key.value();
  IMGIMPORT_ASSIGN_OR_RETURN(HttpClientResponse answer, send(context, prepare(std::move(request))));
  if (answer.status != kOk) return refusal(call_for(key), answer);
  return answer;
}

Result<ObjectInfo> AzureStore::head(const CallContext& context, const ObjectKey& key) {
  IMGIMPORT_ASSIGN_OR_RETURN(const HttpClientResponse answer, look_up(context, key));
  const auto size = parse_content_length(answer.headers.find("Content-Length").value_or(""));
  if (!size) return unexpected("it tells no length");
  return info_of(answer.headers, *size);
}

Result<ObjectInfo> AzureStore::inspect(const CallContext& context, const ObjectKey& key) {
  IMGIMPORT_ASSIGN_OR_RETURN(ObjectInfo info, head(context, key));
  info.hashes.sha256.clear();
  return info;
}

Result<ObjectContent> AzureStore::get(const CallContext& context, const ObjectKey& key,
                                      const std::optional<ByteRange>& range) {
  IMGIMPORT_RETURN_IF_ERROR(check_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  AzureRequest request;
  request.blob = key.value();
  if (range && range->suffix) {
    // Azure knows no "last N bytes" (https://learn.microsoft.com/en-us/rest/api/storageservices/
    // specifying-the-range-header-for-blob-service-operations): the size is asked for first.
    IMGIMPORT_ASSIGN_OR_RETURN(const ObjectInfo info, head(context, key));
    IMGIMPORT_ASSIGN_OR_RETURN(const ByteSpan span, resolve_range(info.size_bytes, range));
    request.headers.set("Range", range_header({.first = span.offset, .last = span.offset + span.length - 1}));
    request.headers.set("If-Match", "\"" + info.etag + "\"");
  } else if (range) {
    // A range that ends before it begins is none to Azure, which would send all.
    IMGIMPORT_RETURN_IF_ERROR(resolve_range(UINT64_MAX, range));
    request.headers.set("Range", range_header(*range));
  }
  const HttpClientRequest ready = prepare(std::move(request));
  auto opened = http_.open(context, ready);
  if (!opened.has_value()) return way_error(std::move(opened).error(), ready);
  std::unique_ptr<HttpDownload> download = *std::move(opened);
  if (download->status() != (range ? kPartialContent : kOk)) {
    HttpClientResponse answer{.status = download->status(), .headers = download->headers()};
    IMGIMPORT_ASSIGN_OR_RETURN(answer.body, read_answer_body(context, *download));
    Error error = refusal(call_for(key), answer);
    if (error.code() != ErrorCode::kConflict) return error;
    return Error(ErrorCode::kUnavailable, error.message()).with_reason(error.reason());
  }
  IMGIMPORT_ASSIGN_OR_RETURN(const Extent extent, extent_of(*download));
  ObjectContent content;
  content.info = info_of(download->headers(), extent.size);
  content.offset = extent.first;
  content.length = extent.length;
  content.reader = std::move(download);
  return content;
}

Result<void> AzureStore::remove(const CallContext& context, const ObjectKey& key) {
  IMGIMPORT_RETURN_IF_ERROR(check_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  AzureRequest request;
  request.method = HttpMethod::kDelete;
  request.blob = key.value();
  request.headers.set("x-ms-delete-snapshots", "include");
  IMGIMPORT_ASSIGN_OR_RETURN(const HttpClientResponse answer, send(context, prepare(std::move(request))));
  if (answer.status == kAccepted) return {};
  Error error = refusal(call_for(key), answer);
  if (error.reason() == "no_such_object") return {};
  return error;
}

// --- rights handed out -------------------------------------------------------------------------------------------

Error AzureStore::needs_key(ErrorCode code, std::string_view what) {
  return Error(code, std::string(what) +
                         " need the storage account's key, and AZURE_STORAGE_CONNECTION_STRING holds a shared access "
                         "signature")
      .with_reason("no_account_key")
      .with_remedy("Use the connection string under \"Access keys\" of the storage account.");
}

Result<std::vector<UploadTicket>> AzureStore::tickets(const CallContext& context, std::span<const PlannedPut> plans) {
  // Not kUnsupported: whoever asks for tickets has no other way, with any image.
  if (!options_.account.has_key()) return needs_key(ErrorCode::kMisconfigured, "workers in processes of their own");
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  if (!container_seen_) {
    IMGIMPORT_RETURN_IF_ERROR(create_container(context));
    container_seen_ = true;
  }
  const Timestamp expires_at = std::chrono::floor<std::chrono::seconds>(clock_.now() + options_.ticket_life);
  std::vector<UploadTicket> tickets;
  tickets.reserve(plans.size());
  for (const PlannedPut& plan : plans) {
    IMGIMPORT_RETURN_IF_ERROR(check_key(plan.key));
    UploadTicket ticket{.key = plan.key, .expires_at = expires_at};
    IMGIMPORT_ASSIGN_OR_RETURN(ticket.headers, azure_put_headers({.content_type = plan.options.content_type,
                                                                  .access_tier = options_.access_tier,
                                                                  .hashes = plan.options.expected}));
    ticket.url =
        azure_url(options_.account, options_.container, plan.key.value()) + "?" +
        make_blob_sas(
            options_.account,
            {.container = options_.container, .blob = plan.key.value(), .permissions = "cw", .expires_at = expires_at});
    tickets.push_back(std::move(ticket));
  }
  return tickets;
}

Result<std::string> AzureStore::link(const CallContext& context, const ObjectKey& key, const LinkOptions& options) {
  if (!options_.account.has_key()) return needs_key(ErrorCode::kUnsupported, "links");
  IMGIMPORT_RETURN_IF_ERROR(check_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  return azure_url(options_.account, options_.container, key.value()) + "?" +
         make_blob_sas(options_.account, {.container = options_.container,
                                          .blob = key.value(),
                                          .permissions = "r",
                                          .expires_at = clock_.now() + options.valid_for,
                                          .content_disposition = options.content_disposition,
                                          .content_type = options.content_type});
}

}  // namespace imgimport
