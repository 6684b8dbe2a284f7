#include "unit/gateway/gateway_fixture.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <iterator>
#include <stdexcept>

#include "base/http_error.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "fakes/memory_blob.hpp"
#include "http_server/request_target.hpp"

namespace imgimport::gateway_test {
namespace {

constexpr std::chrono::seconds kPatience{10};

// A small buffer, so that pieces are cut at odd places.
void read_to_end(ByteReader& reader, Answer& answer) {
  std::array<std::byte, 1000> buffer;
  while (true) {
    const auto count = reader.read(CallContext{}, buffer);
    if (!count.has_value()) {
      answer.read_error = count.error();
      return;
    }
    if (*count == 0) return;
    answer.body.append(reinterpret_cast<const char*>(buffer.data()), *count);
  }
}

}  // namespace

Timestamp StillClock::now() const {
  const std::lock_guard lock(mutex_);
  return *from_rfc3339("2026-11-23T20:17:14.123Z") + passed_;
}

std::chrono::steady_clock::time_point StillClock::steady_now() const {
  const std::lock_guard lock(mutex_);
  return std::chrono::steady_clock::time_point(std::chrono::hours(1)) + passed_;
}

void StillClock::advance(std::chrono::milliseconds by) {
  const std::lock_guard lock(mutex_);
  passed_ += by;
}

void FlakyMetadata::fail_after(std::optional<std::size_t> reads) {
  const std::lock_guard lock(flaky_mutex_);
  reads_left_ = reads;
}

std::optional<Error> FlakyMetadata::trouble() {
  const std::lock_guard lock(flaky_mutex_);
  if (!reads_left_) return std::nullopt;
  if (*reads_left_ == 0) return Error(ErrorCode::kUnavailable, "The database is away");
  --*reads_left_;
  return std::nullopt;
}

Result<std::vector<Image>> FlakyMetadata::walk(const CallContext& context, const ImageQuery& query, ImageId before,
                                               std::size_t limit) {
  if (auto error = trouble()) return *error;
  return MemoryMetadataStore::walk(context, query, before, limit);
}

Result<std::vector<ImageStore::JobImage>> FlakyMetadata::job_images(const CallContext& context, const JobId& job,
                                                                    ItemId after, std::size_t limit) {
  if (auto error = trouble()) return *error;
  return MemoryMetadataStore::job_images(context, job, after, limit);
}

Result<void> FlakyMetadata::ping(const CallContext& context) {
  if (auto error = trouble()) return *error;
  return MemoryMetadataStore::ping(context);
}

Result<ObjectInfo> FlakyObjects::put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                     const PutOptions& options) {
  if (auto away = error()) return *away;
  return objects_.put(context, key, blob, options);
}

Result<ObjectInfo> FlakyObjects::head(const CallContext& context, const ObjectKey& key) {
  if (auto away = error()) return *away;
  return objects_.head(context, key);
}

Result<ObjectInfo> FlakyObjects::inspect(const CallContext& context, const ObjectKey& key) {
  Inspection inspection;
  {
    const std::lock_guard lock(mutex_);
    ++inspected_[key];
    inspection = inspection_;
  }
  if (const auto trouble = error()) return *trouble;
  if (inspection) {
    if (auto answer = inspection(context, key)) return *std::move(answer);
  }
  return objects_.inspect(context, key);
}

std::map<ObjectKey, int> FlakyObjects::inspected() const {
  const std::lock_guard lock(mutex_);
  return inspected_;
}

void FlakyObjects::on_inspect(Inspection inspection) {
  const std::lock_guard lock(mutex_);
  inspection_ = std::move(inspection);
}

void FlakyObjects::give_links(std::string base) {
  const std::lock_guard lock(mutex_);
  link_base_ = std::move(base);
}

LinkOptions FlakyObjects::linked() const {
  const std::lock_guard lock(mutex_);
  return linked_;
}

Result<ObjectContent> FlakyObjects::get(const CallContext& context, const ObjectKey& key,
                                        const std::optional<ByteRange>& range) {
  {
    const std::lock_guard lock(mutex_);
    ++gets_;
  }
  if (auto away = error()) return *away;
  return objects_.get(context, key, range);
}

Result<void> FlakyObjects::remove(const CallContext& context, const ObjectKey& key) {
  if (auto away = error()) return *away;
  return objects_.remove(context, key);
}

void FlakyObjects::stand_at(StorePlace place) {
  const std::lock_guard lock(mutex_);
  place_ = std::move(place);
}

bool FlakyObjects::has(const ObjectKey& key) {
  return objects_.head({}, key).has_value();
}

std::size_t FlakyObjects::gets() const {
  const std::lock_guard lock(mutex_);
  return gets_;
}

void FlakyObjects::fail(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
}

std::optional<Error> FlakyObjects::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

bool PushSink::write(std::string chunk) {
  const std::lock_guard lock(mutex_);
  if (over_) return false;
  text_ += chunk;
  changed_.notify_all();
  return true;
}

void PushSink::close() {
  leave();
}

void PushSink::abort() {
  leave();
}

std::size_t PushSink::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return queued_;
}

void PushSink::on_gone(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!over_) {
      on_gone_.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

bool PushSink::wait_for(std::string_view part) {
  std::unique_lock lock(mutex_);
  const auto is_there = [&] { return text_.find(part) != std::string::npos; };
  changed_.wait_for(lock, kPatience, [&] { return over_ || is_there(); });
  return is_there();
}

bool PushSink::wait_for_end() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return over_; });
}

std::string PushSink::text() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

void PushSink::leave() {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    callbacks.swap(on_gone_);
    changed_.notify_all();
  }
  for (const auto& callback : callbacks) callback();
}

void PushSink::set_queued(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  queued_ = bytes;
}

std::string Answer::header(std::string_view name) const {
  return std::string(headers.find(name).value_or(""));
}

boost::json::object Answer::json() const {
  return boost::json::parse(body).as_object();
}

bool PendingAnswer::has_come() const {
  const std::lock_guard lock(state_->mutex);
  return state_->response.has_value();
}

Answer PendingAnswer::wait() {
  std::unique_lock lock(state_->mutex);
  Answer answer;
  if (!state_->came.wait_for(lock, kPatience, [this] { return state_->response.has_value(); })) return answer;
  HttpResponse& response = *state_->response;
  answer.status = response.status;
  answer.headers = response.headers;
  if (auto* text = std::get_if<std::string>(&response.body)) answer.body = *text;
  if (auto* shared = std::get_if<HttpSharedBody>(&response.body)) answer.body = **shared;
  if (auto* stream = std::get_if<HttpStreamBody>(&response.body)) read_to_end(*stream->reader, answer);
  if (auto* push = std::get_if<HttpPushBody>(&response.body)) {
    answer.events = std::make_shared<PushSink>();
    push->start(HttpPushWriter(answer.events));
  }
  return answer;
}

GatewayOptions GatewayFixture::fast_options() {
  GatewayOptions options;
  options.first_poll = std::chrono::milliseconds(1);
  options.last_poll = std::chrono::milliseconds(5);
  options.event_interval = std::chrono::milliseconds(2);
  options.ping_interval = std::chrono::milliseconds(2);
  options.page_size = 3;
  options.verification.page_size = 3;
  options.verification.threads = 2;
  options.verification.backoff = {.base_delay = std::chrono::milliseconds(1),
                                  .max_delay = std::chrono::milliseconds(2)};
  return options;
}

GatewayFixture::GatewayFixture(GatewayOptions options)
    : gateway(std::move(options), {imports, metadata, objects, thumbnails, pool, clock, metrics}) {
  gateway.mount(router);
}

GatewayFixture::~GatewayFixture() {
  gateway.stop(std::chrono::steady_clock::now());
}

PendingAnswer GatewayFixture::send(const Call& call) {
  PendingAnswer pending;
  HttpRequest request;
  request.method = call.method;
  request.method_text = to_string(call.method);
  request.target = call.target;
  request.body = call.body;
  request.request_id = "request-1";
  for (const auto& [name, value] : call.headers) request.headers.add(name, value);
  const auto deliver = [state = pending.state_](HttpResponse response) {
    const std::lock_guard lock(state->mutex);
    state->response = std::move(response);
    state->came.notify_all();
  };
  if (const auto split = split_target(request); !split.has_value()) {
    deliver(error_response(split.error(), request));
    return pending;
  }
  const Router::Match match = router.match(call.method, raw_path(call.target));
  if (match.route == nullptr) {
    deliver(HttpResponse{.status = match.allowed.empty() ? 404 : 405});
    return pending;
  }
  if (match.route->options.guarded) {
    if (auto refusal = router.guard()(request)) {
      deliver(*std::move(refusal));
      return pending;
    }
  }
  request.path_args = match.path_args;
  CallContext context;
  context.stop = pending.gone_.get_token();
  if (call.time_left) context = context.with_timeout(*call.time_left);
  match.route->handler(context, request, HttpResponder(deliver));
  return pending;
}

JobId GatewayFixture::submit() {
  const auto submitted = imports.submit({}, {.folder_url = "mem:folder"});
  return submitted.value().job.id;
}

void GatewayFixture::list(std::size_t images) {
  ListedPage page;
  page.folder = DriveId("root-folder");
  page.next_page_token = "more";
  for (std::size_t i = 0; i < images; ++i) {
    const std::string id = "drive-" + std::to_string(++listed_);
    NewItem item;
    item.file.id = DriveId(id);
    item.file.name = "photo " + std::to_string(listed_) + ".jpg";
    item.file.mime_type = "image/jpeg";
    item.file.size = 1000 + listed_;
    item.key = ObjectKey("images/" + id + "/v1/photo.jpg");
    page.items.push_back(std::move(item));
  }
  const auto added = metadata.add_page({}, imports.lease(), page, 100);
  if (!added.has_value()) throw std::logic_error(added.error().message());
}

void GatewayFixture::finish_listing() {
  ListedPage page;
  page.folder = DriveId("root-folder");
  const auto added = metadata.add_page({}, imports.lease(), page, 100);
  const auto finished = metadata.finish_listing({}, imports.lease());
  if (!added.has_value() || !finished.has_value()) throw std::logic_error("the listing could not be finished");
}

void GatewayFixture::import_all() {
  import_items("image/jpeg", [](const WorkItem& item) { return "bytes of " + item.file.id.value(); });
}

void GatewayFixture::import_items(const std::string& mime_type,
                                  const std::function<std::string(const WorkItem&)>& bytes_of) {
  std::vector<Outcome> outcomes;
  for (const WorkItem& item : open_items()) {
    const std::string bytes = bytes_of(item);
    const auto put = objects.put({}, item.key, MemoryBlob(bytes), {.content_type = mime_type});
    if (!put.has_value()) throw std::logic_error(put.error().message());
    Outcome outcome;
    outcome.job = imports.lease().job;
    outcome.item = item.id;
    outcome.state = ItemState::kImported;
    outcome.stored = StoredObject{.key = item.key,
                                  .size_bytes = bytes.size(),
                                  .hashes = {.md5 = md5_hex(bytes), .sha1 = "", .sha256 = sha256_hex(bytes)},
                                  .mime_type = mime_type,
                                  .checksum_verified = true};
    outcomes.push_back(std::move(outcome));
  }
  const auto effects = metadata.commit({}, outcomes, objects.place({}).value());
  if (!effects.has_value()) throw std::logic_error(effects.error().message());
}

std::vector<WorkItem> GatewayFixture::open_items() {
  const JobLease lease = imports.lease();
  const auto grouped = metadata.group_due({}, lease, clock.now(), 100, 1000);
  if (!grouped.has_value()) throw std::logic_error(grouped.error().message());
  std::vector<WorkItem> items;
  for (const BatchId batch : metadata.ready_batches({}, lease, BatchId(0), 1000).value()) {
    auto opened = metadata.open_batch({}, {lease.job, batch}, objects.place({}).value()).value().items;
    std::move(opened.begin(), opened.end(), std::back_inserter(items));
  }
  return items;
}

JobId GatewayFixture::imported_job(std::size_t images) {
  JobId job = submit();
  list(images);
  finish_listing();
  import_all();
  return job;
}

Image GatewayFixture::add_image(SourceFile file, const std::string& mime_type, const std::string& bytes) {
  submit();
  ListedPage page;
  page.folder = DriveId("root-folder");
  NewItem item;
  item.key = ObjectKey("images/" + file.id.value() + "/v1/x");
  item.file = std::move(file);
  item.folder_path = "Trips/2026";
  page.items.push_back(std::move(item));
  const auto added = metadata.add_page({}, imports.lease(), page, 100);
  const auto finished = metadata.finish_listing({}, imports.lease());
  if (!added.has_value() || !finished.has_value()) throw std::logic_error("the image could not be listed");
  import_items(mime_type, [&bytes](const WorkItem&) { return bytes; });
  return metadata.walk({}, {}, ImageId(0), 1).value().front();
}

}  // namespace imgimport::gateway_test
