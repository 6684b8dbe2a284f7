#include "gateway/import_routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "gateway/import_request.hpp"
#include "gateway/job_json.hpp"
#include "gateway/parameters.hpp"
#include "gateway/submit_reply.hpp"

namespace imgimport {
namespace {

// Before a caller's deadline, for the answer's way.
constexpr std::chrono::milliseconds kAnswerTakes{100};
constexpr std::int64_t kMaxPage = 1000;
constexpr std::int64_t kDefaultItems = 100;
constexpr std::int64_t kDefaultJobs = 50;

// The service's own credentials, rights and speed towards Drive are not the client's: 401, 403 and 429 would say so.
Error for_client(Error error) {
  ErrorCode code = error.code();
  if (code == ErrorCode::kUnauthenticated) code = ErrorCode::kMisconfigured;
  if (code == ErrorCode::kPermissionDenied) code = ErrorCode::kNotFound;
  if (code == ErrorCode::kRateLimited) code = ErrorCode::kUnavailable;
  if (code == error.code()) return error;
  const std::string reason(error.reason_or_code());
  Error translated = Error(code, error.message()).with_reason(reason).with_remedy(error.remedy());
  return error.retry_after() ? std::move(translated).with_retry_after(*error.retry_after()) : translated;
}

// How long a submit may wait for its listing: a caller that says how long it has is answered before that.
std::chrono::milliseconds listing_wait(const CallContext& context, std::chrono::milliseconds list_wait) {
  const auto left = std::max(context.remaining(), kAnswerTakes) - kAnswerTakes;
  return std::min(left, list_wait);
}

// The cursor is the id of the last item of the page before.
Result<ItemId> item_cursor(const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const std::int64_t id, number_parameter(request, {.name = "cursor", .otherwise = 0}));
  return ItemId(id);
}

Result<std::int64_t> limit_parameter(const HttpRequest& request, std::int64_t otherwise) {
  return number_parameter(request, {.name = "limit", .most = kMaxPage, .otherwise = otherwise});
}

HttpResponse message_response(const Job& job, std::string_view message) {
  JsonWriter json;
  json.begin_object();
  json.field("job_id", job.id.value());
  json.field("status", to_string(job.status));
  json.field("message", message);
  json.end_object();
  return json_response(json.take());
}

}  // namespace

void ImportRoutes::mount(ApiRouter& router) {
  const auto method = [this](Result<HttpResponse> (ImportRoutes::*handler)(const CallContext&, const HttpRequest&)) {
    return [this, handler](const CallContext& context, const HttpRequest& request) {
      return (this->*handler)(context, request);
    };
  };
  router.handle_async(HttpMethod::kPost, "/api/import/google-drive",
                      [this](const CallContext& context, const HttpRequest& request, ApiRouter::Send send) {
                        submit(context, request, std::move(send));
                      });
  router.handle(HttpMethod::kGet, "/api/import/status/{job_id}", method(&ImportRoutes::status));
  router.handle(HttpMethod::kGet, "/api/import/jobs", method(&ImportRoutes::jobs));
  router.handle(HttpMethod::kGet, "/api/import/queue", method(&ImportRoutes::queue));
  router.handle(HttpMethod::kGet, "/api/import/{job_id}/items", method(&ImportRoutes::items));
  router.handle(HttpMethod::kGet, "/api/import/{job_id}/events", method(&ImportRoutes::events));
  router.handle(HttpMethod::kPost, "/api/import/{job_id}/retry", method(&ImportRoutes::retry));
  router.handle(HttpMethod::kPost, "/api/import/{job_id}/cancel", method(&ImportRoutes::cancel));
}

void ImportRoutes::submit(const CallContext& context, const HttpRequest& request, ApiRouter::Send send) {
  const auto until = parts_.clock.steady_now() + listing_wait(context, parts_.options.list_wait);
  Result<ImportProgress> progress = submitted(context, request);
  if (!progress) return send(std::move(progress).error());
  if (is_countable(progress->job) || parts_.clock.steady_now() >= until) return send(submit_response(*progress));
  const JobId job = progress->job.id;
  auto reply = std::make_shared<SubmitReply>(
      parts_.options, parts_.clock,
      SubmitReply::Waiting{
          .progress = *std::move(progress), .gone = context.stop, .until = until, .send = std::move(send)});
  parts_.poller.watch(job, std::move(reply), parts_.options.first_poll);
}

Result<ImportProgress> ImportRoutes::submitted(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(ImportRequest wanted, parse_import_request(request.body));
  IMGIMPORT_ASSIGN_OR_RETURN(wanted.idempotency_key, idempotency_key(request));
  // What is left behind the look-up is for writing the job down.
  wanted.look_up_within = std::min({wanted.look_up_within, parts_.options.list_wait, context.remaining() / 2});
  auto submitted = parts_.imports.submit(context, wanted);
  if (!submitted) return for_client(std::move(submitted).error());
  ImportProgress progress;
  progress.job = std::move(submitted->job);
  // What an ended dry run costs is known only to the service.
  if (!progress.job.dry_run || !is_countable(progress.job)) return progress;
  return parts_.imports.progress(context, progress.job.id);
}

Result<HttpResponse> ImportRoutes::status(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const JobId id, job_id_argument(request));
  IMGIMPORT_ASSIGN_OR_RETURN(
      const std::int64_t limit,
      number_parameter(request,
                       {.name = "imported", .least = 0, .otherwise = std::numeric_limits<std::int64_t>::max()}));
  IMGIMPORT_ASSIGN_OR_RETURN(const ImportProgress progress, parts_.imports.progress(context, id));
  JsonWriter json;
  json.begin_object();
  write_progress_fields(json, progress);
  const RecordStream stream{parts_.metadata, parts_.links, parts_.options.page_size};
  return job_images_response(context, stream, {.job = id, .head = json.take(), .limit = limit});
}

Result<HttpResponse> ImportRoutes::jobs(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const std::int64_t limit, limit_parameter(request, kDefaultJobs));
  JobId before;
  if (const auto cursor = request.query_value("cursor"); cursor && !cursor->empty()) {
    IMGIMPORT_ASSIGN_OR_RETURN(before, job_id_from(*cursor, "cursor"));
  }
  // One more than asked for tells whether there is a next page.
  IMGIMPORT_ASSIGN_OR_RETURN(auto jobs, parts_.metadata.jobs(context, before, static_cast<std::size_t>(limit) + 1));
  const bool more = jobs.size() > static_cast<std::size_t>(limit);
  if (more) jobs.resize(static_cast<std::size_t>(limit));
  JsonWriter json;
  json.begin_object();
  json.key("jobs");
  json.begin_array();
  for (const Job& job : jobs) write_job(json, job);
  json.end_array();
  json.known_field("next_cursor", more ? jobs.back().id.value() : std::string());
  json.end_object();
  return json_response(json.take());
}

Result<HttpResponse> ImportRoutes::items(const CallContext& context, const HttpRequest& request) {
  JobStore::ItemQuery query;
  IMGIMPORT_ASSIGN_OR_RETURN(query.job, job_id_argument(request));
  IMGIMPORT_ASSIGN_OR_RETURN(query.state, state_parameter(request));
  IMGIMPORT_ASSIGN_OR_RETURN(query.after, item_cursor(request));
  IMGIMPORT_ASSIGN_OR_RETURN(const std::int64_t limit, limit_parameter(request, kDefaultItems));
  query.limit = static_cast<std::size_t>(limit) + 1;
  IMGIMPORT_ASSIGN_OR_RETURN(auto items, parts_.metadata.items(context, query));
  const bool more = items.size() > static_cast<std::size_t>(limit);
  if (more) items.resize(static_cast<std::size_t>(limit));
  JsonWriter json;
  json.begin_object();
  json.key("items");
  json.begin_array();
  for (const Item& item : items) write_item(json, item);
  json.end_array();
  json.known_field("next_cursor", more ? std::to_string(items.back().id.value()) : std::string());
  json.end_object();
  return json_response(json.take());
}

Result<HttpResponse> ImportRoutes::events(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const JobId id, job_id_argument(request));
  IMGIMPORT_ASSIGN_OR_RETURN(ImportProgress progress, parts_.imports.progress(context, id));
  HttpResponse response;
  if (has_seen_the_end(request, progress.job)) {
    response.status = 204;
    return response;
  }
  response.headers.set("Content-Type", "text/event-stream");
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Accel-Buffering", "no");  // nginx would hold events back
  if (request.method == HttpMethod::kHead) return response;
  response.body = HttpPushBody{[parts = parts_, progress = std::move(progress)](HttpPushWriter writer) {
    const auto stream = std::make_shared<EventStream>(parts.options, parts.clock, std::move(writer));
    EventStream::begin(stream, parts.poller, progress);
  }};
  return response;
}

Result<HttpResponse> ImportRoutes::queue(const CallContext& context, const HttpRequest&) {
  IMGIMPORT_ASSIGN_OR_RETURN(const QueueState state, parts_.imports.queue_state(context));
  return json_response(queue_json(state));
}

Result<HttpResponse> ImportRoutes::retry(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const JobId id, job_id_argument(request));
  IMGIMPORT_ASSIGN_OR_RETURN(const std::int64_t count, parts_.imports.retry(context, id));
  JsonWriter json;
  json.begin_object();
  json.field("job_id", id.value());
  json.field("message",
             count == 0 ? "The job goes on with what it has not done yet"
                        : fmt::format("{} {} to the queue", count, count == 1 ? "item goes back" : "items go back"));
  json.field("retried", count);
  json.end_object();
  HttpResponse response = json_response(json.take());
  response.status = 202;
  return response;
}

Result<HttpResponse> ImportRoutes::cancel(const CallContext& context, const HttpRequest& request) {
  IMGIMPORT_ASSIGN_OR_RETURN(const JobId id, job_id_argument(request));
  IMGIMPORT_ASSIGN_OR_RETURN(const Job job, parts_.imports.cancel(context, id));
  const bool cancelled = job.status == JobStatus::kCancelled;
  return message_response(job, cancelled ? "Import job cancelled" : "The import job had ended already");
}

}  // namespace imgimport
