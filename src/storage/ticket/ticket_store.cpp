#include "storage/ticket/ticket_store.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

#include "base/object_key.hpp"
#include "storage/azure/azure_put.hpp"
#include "storage/checked_upload.hpp"
#include "storage/content_hasher.hpp"
#include "storage/first_pass.hpp"
#include "storage/local/local_put.hpp"
#include "storage/s3/s3_put.hpp"

namespace imgimport {
namespace {

// Of a stream without a size, so much is kept; a longer one is opened a second time.
constexpr std::size_t kKeptBytes = 256 << 10;
constexpr std::size_t kMaxAnswerBytes = 1 << 20;
// Of announced tickets: some batches for each of many threads.
constexpr std::size_t kMostHeld = 20'000;

bool is_same_plan(const PlannedPut& a, const PlannedPut& b) {
  return a.key == b.key && a.size_bytes == b.size_bytes && a.options.content_type == b.options.content_type &&
         a.options.expected == b.options.expected;
}

// Refused for its age: the clocks differ, it lay about, or the issuer has been started anew since.
bool wants_new_ticket(const Error& error) {
  return error.reason() == "ticket_expired" || error.reason() == "bad_ticket" ||
         error.reason() == "signature_expired" || error.reason() == "token_expired";
}

}  // namespace

struct TicketStore::Body {
  StorePlace place;  // where it goes
  PlannedPut plan;
  bool needs_md5 = false;      // the store checks nothing else
  const Blob* blob = nullptr;  // to be sent: one of the next two, or the caller's
  std::unique_ptr<BytesBlob> kept;
  std::unique_ptr<CheckedUpload> checked;
  ContentHashes verified;  // of the bytes, by us

  // What is to be sent must have a size and, where it is short, a hash, before a ticket can bind them.
  Result<void> prepare_from(const CallContext& context, const Blob& source) {
    if (const auto bytes = source.in_memory()) return from_memory(source, *bytes);
    const bool checkable = !needs_md5 || !plan.options.expected.md5.empty();
    if (source.size().value_or(0) > 0 && checkable) {
      from_stream(source, *source.size());
      return {};
    }
    IMGIMPORT_ASSIGN_OR_RETURN(
        FirstPass pass,
        read_through(context, source,
                     {.keep_bytes = kKeptBytes, .expected = plan.options.expected, .computed = wanted_hashes()}));
    promise(pass.hashes);
    if (pass.content) {
      kept = std::make_unique<BytesBlob>(*std::move(pass.content));
      blob = kept.get();
      plan.size_bytes = pass.size_bytes;
    } else {
      from_stream(source, pass.size_bytes);
    }
    return {};
  }

 private:
  // A store checks the strongest hash that is promised and that it can check: the others are ours to check.
  std::vector<HashAlgorithm> wanted_hashes() const {
    std::vector<HashAlgorithm> wanted = {HashAlgorithm::kSha256};
    if (needs_md5 || plan.options.expected.sha256.empty()) wanted.push_back(HashAlgorithm::kMd5);
    return wanted;
  }
  void promise(const ContentHashes& hashes) {
    verified = hashes;
    ContentHashes& expected = plan.options.expected;
    if (expected.sha256.empty()) expected.sha256 = hashes.sha256;
    if (needs_md5 && expected.md5.empty()) expected.md5 = hashes.md5;
  }
  Result<void> from_memory(const Blob& source, std::span<const std::byte> bytes) {
    blob = &source;
    plan.size_bytes = bytes.size();
    if (!needs_md5 && !plan.options.expected.sha256.empty()) return {};
    ContentHasher hasher(wanted_hashes());
    hasher.update(bytes);
    const ContentHashes hashes = hasher.finish();
    IMGIMPORT_RETURN_IF_ERROR(check_hashes(plan.options.expected, hashes));
    promise(hashes);
    return {};
  }
  void from_stream(const Blob& source, std::uint64_t size) {
    std::vector<HashAlgorithm> computed;
    if (needs_md5 || plan.options.expected.sha256.empty()) computed = wanted_hashes();
    checked = std::make_unique<CheckedUpload>(
        source, UploadPlan{.size_bytes = size, .expected = plan.options.expected, .computed = std::move(computed)});
    blob = checked.get();
    plan.size_bytes = size;
  }
};

Result<void> TicketStore::announce(const CallContext& context, std::span<const PlannedPut> plans) {
  const Timestamp now = parts_.clock.now();
  IMGIMPORT_ASSIGN_OR_RETURN(std::vector<UploadTicket> tickets, parts_.issuer.tickets(context, plans));
  const std::lock_guard lock(mutex_);
  std::erase_if(held_, [this](const auto& entry) { return !is_usable(entry.second); });
  for (std::size_t i = 0; i < tickets.size() && i < plans.size() && held_.size() < kMostHeld; ++i) {
    held_.insert_or_assign(plans[i].key, Held{plans[i], std::move(tickets[i]), now});
  }
  return {};
}

bool TicketStore::is_usable(const Held& held) const {
  const Timestamp now = parts_.clock.now();
  return now - held.issued_at < kTicketUsableFor && now < held.ticket.expires_at;
}

std::optional<UploadTicket> TicketStore::take_held(const PlannedPut& plan) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(plan.key);
  if (found == held_.end()) return std::nullopt;
  const Held held = std::move(found->second);
  held_.erase(found);
  if (!is_usable(held) || !is_same_plan(held.plan, plan)) return std::nullopt;
  return held.ticket;
}

Result<UploadTicket> TicketStore::fresh_ticket(const CallContext& context, const PlannedPut& plan) {
  IMGIMPORT_ASSIGN_OR_RETURN(std::vector<UploadTicket> tickets, parts_.issuer.tickets(context, std::span(&plan, 1)));
  if (tickets.size() == 1) return std::move(tickets.front());
  return Error(ErrorCode::kInternal, fmt::format("asked for one upload ticket, got {}", tickets.size()));
}

Result<ObjectInfo> TicketStore::put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                    const PutOptions& options) {
  IMGIMPORT_RETURN_IF_ERROR(check_object_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  Body body;
  body.plan = {.key = key, .size_bytes = std::nullopt, .options = options};
  IMGIMPORT_ASSIGN_OR_RETURN(body.place, place(context));
  body.needs_md5 = body.place.provider == "azure";
  IMGIMPORT_RETURN_IF_ERROR(body.prepare_from(context, blob));
  std::optional<UploadTicket> ticket = take_held(body.plan);
  if (!ticket) {
    IMGIMPORT_ASSIGN_OR_RETURN(ticket, fresh_ticket(context, body.plan));
  }
  auto stored = put_with(context, *ticket, body);
  if (stored.has_value() || !wants_new_ticket(stored.error())) return stored;
  IMGIMPORT_ASSIGN_OR_RETURN(ticket, fresh_ticket(context, body.plan));
  return put_with(context, *ticket, body);
}

Result<ObjectInfo> TicketStore::put_with(const CallContext& context, const UploadTicket& ticket,
                                         const Body& body) const {
  HttpClientRequest request;
  request.method = HttpMethod::kPut;
  request.url = ticket.url.starts_with("/") ? parts_.base_url + ticket.url : ticket.url;
  request.headers = ticket.headers;
  request.upload = body.blob;
  request.upload_size = body.plan.size_bytes;
  request.max_response_bytes = kMaxAnswerBytes;
  const bool to_the_service = ticket.url.starts_with("/") && parts_.service_http != nullptr;
  HttpClient& http = to_the_service ? *parts_.service_http : parts_.http;
  IMGIMPORT_ASSIGN_OR_RETURN(const HttpClientResponse answer, http.send(context, request));
  IMGIMPORT_ASSIGN_OR_RETURN(ObjectInfo info, read_answer(body, answer));
  if (body.checked && !body.checked->hashes()) {
    return Error(ErrorCode::kUnavailable, "the store answered before it had the whole body")
        .with_reason("unexpected_answer");
  }
  const ContentHashes& ours = body.checked && body.verified.sha256.empty() ? *body.checked->hashes() : body.verified;
  if (info.hashes.md5.empty()) info.hashes.md5 = ours.md5;
  if (info.hashes.sha256.empty()) info.hashes.sha256 = ours.sha256;
  return info;
}

Result<ObjectInfo> TicketStore::read_answer(const Body& body, const HttpClientResponse& answer) const {
  const StorePlace& here = body.place;
  const ContentHashes& promised = body.plan.options.expected;
  const std::uint64_t size = body.plan.size_bytes.value_or(0);
  const Timestamp now = parts_.clock.now();
  if (here.provider == "local") return local_put_result(answer);
  if (here.provider == "azure") {
    return read_azure_put_answer({.size_bytes = size, .hashes = promised},
                                 {.account = {}, .container = here.bucket, .blob = body.plan.key.value()}, answer, now);
  }
  if (here.provider == "aws") {
    S3PutSent sent;
    sent.request.method = HttpMethod::kPut;
    sent.request.key = body.plan.key.value();
    sent.request.bucket = here.bucket;
    sent.size_bytes = size;
    sent.promised = promised;
    if (body.checked && body.checked->hashes()) sent.computed = *body.checked->hashes();
    return s3_put_result(sent, {.status = answer.status, .headers = answer.headers, .body = answer.body, .now = now});
  }
  return Error(ErrorCode::kUnsupported, fmt::format("uploads by ticket to {} are not known here", here.provider));
}

}  // namespace imgimport
