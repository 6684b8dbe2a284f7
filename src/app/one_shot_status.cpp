#include "app/one_shot_status.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>

#include "app/health_check.hpp"
#include "app/refusal.hpp"
#include "app/status_report.hpp"
#include "http_client/curl_client.hpp"

namespace imgimport {
namespace {

constexpr std::chrono::milliseconds kTimeout{10'000};
// The newest jobs are looked at for those that run, and so many of these are shown.
constexpr int kJobsAsked = 200;
constexpr std::size_t kJobsShown = 20;

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t whole_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

double number_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

class Gateway {
 public:
  Gateway(std::string url, std::string token) : url_(std::move(url)), token_(std::move(token)) {}

  const std::string& url() const { return url_; }

  // The object that it answers, be the status 200 or (for /health) 503.
  Result<boost::json::object> get(const std::string& path) {
    HttpClientRequest request;
    request.url = url_ + path;
    if (!token_.empty()) request.headers.set("Authorization", "Bearer " + token_);
    auto answer = http_.send(CallContext{}.with_timeout(kTimeout), request);
    if (!answer.has_value()) {
      const Error& error = answer.error();
      return Error(ErrorCode::kUnavailable, fmt::format("no gateway answers at {}: {}", url_, error.message()))
          .with_remedy(error.remedy().empty() ? "Start one, or name another: imgimport status http://HOST:5000"
                                              : error.remedy());
    }
    boost::system::error_code failed;
    auto parsed = boost::json::parse(answer->body, failed);
    if (failed || !parsed.is_object()) return stranger();
    boost::json::object body = std::move(parsed.get_object());
    if (answer->status == 401 || answer->status == 403) {
      return Error(ErrorCode::kUnauthenticated, fmt::format("{} refuses: {}", url_, text_of(body, "error")))
          .with_remedy("Set API_TOKEN to the token of that server");
    }
    if (answer->status == 200 || body.contains("status")) return body;
    std::string said = text_of(body, "error");
    if (said.empty()) said = fmt::format("{} answers {} with status {}", url_, path, answer->status);
    return Error(ErrorCode::kUnavailable, std::move(said)).with_remedy(text_of(body, "remedy"));
  }

  Error stranger() const {
    return Error(ErrorCode::kMisconfigured, fmt::format("{} is not imgimport's gateway", url_))
        .with_remedy("Name the gateway's address: imgimport status http://HOST:5000");
  }

 private:
  CurlHttpClient http_;
  std::string url_;
  std::string token_;
};

DeploymentStatus::Job job_of(const boost::json::object& body) {
  DeploymentStatus::Job job;
  job.id = text_of(body, "job_id");
  job.folder = text_of(body, "folder_name");
  job.status = text_of(body, "status");
  job.total = whole_of(body, "total");
  job.ended =
      whole_of(body, "processed") + whole_of(body, "failed") + whole_of(body, "deferred") + whole_of(body, "cancelled");
  job.failed = whole_of(body, "failed");
  job.rate = number_of(body, "rate");
  if (const auto* eta = body.if_contains("eta_seconds"); eta != nullptr && eta->is_int64()) {
    job.eta_seconds = eta->get_int64();
  }
  return job;
}

void read_jobs(Gateway& gateway, DeploymentStatus& status) {
  const auto answer = gateway.get(fmt::format("/api/import/jobs?limit={}", kJobsAsked));
  const auto* jobs = answer.has_value() ? answer->if_contains("jobs") : nullptr;
  if (jobs == nullptr || !jobs->is_array()) {
    status.jobs_trouble = answer.has_value() ? "the gateway's answer holds no jobs" : answer.error().message();
    return;
  }
  status.jobs.emplace();
  for (const auto& value : jobs->get_array()) {
    if (!value.is_object()) continue;
    DeploymentStatus::Job job = job_of(value.get_object());
    if (job.status != "listing" && job.status != "processing") continue;
    if (status.jobs->size() == kJobsShown) {
      ++status.more_jobs;
      continue;
    }
    // The list does not know how fast they are.
    const auto progress = gateway.get(fmt::format("/api/import/status/{}?imported=0", job.id));
    status.jobs->push_back(progress.has_value() ? job_of(*progress) : std::move(job));
  }
}

Result<DeploymentStatus> read_status(Gateway& gateway) {
  DeploymentStatus status;
  status.url = gateway.url();
  IMGIMPORT_ASSIGN_OR_RETURN(const boost::json::object health, gateway.get("/health"));
  if (text_of(health, "service") != "api-gateway") return gateway.stranger();
  status.health = text_of(health, "status");
  if (const auto* parts = health.if_contains("parts"); parts != nullptr && parts->is_object()) {
    for (const auto& part : parts->get_object()) {
      status.troubles.emplace_back(part.key(), text_of(parts->get_object(), part.key()));
    }
  }
  auto queue = gateway.get("/api/import/queue");
  if (queue.has_value()) {
    status.queue = {.waiting = whole_of(*queue, "batches_waiting"),
                    .leased = whole_of(*queue, "batches_leased"),
                    .workers = whole_of(*queue, "workers"),
                    .rate = number_of(*queue, "rate")};
  } else if (queue.error().code() == ErrorCode::kUnauthenticated) {
    return std::move(queue).error();
  } else {
    status.queue_trouble = queue.error().message();
  }
  if (const auto stats = gateway.get("/api/stats"); stats.has_value()) {
    status.images = {.count = whole_of(*stats, "total_images"), .bytes = whole_of(*stats, "total_size_bytes")};
  } else {
    status.images_trouble = stats.error().message();
  }
  read_jobs(gateway, status);
  return status;
}

}  // namespace

int one_shot_status(const Config& config, const std::string& url, ReportFormat format) {
  Gateway gateway(service_url(config, {Role::kGateway}, url), config.gateway.api_token);
  const auto status = read_status(gateway);
  if (!status.has_value()) {
    return refuse(status.error(), format);
  }
  std::fputs((format == ReportFormat::kJson ? status_json(*status) : status_text(*status)).c_str(), stdout);
  return status->is_healthy() ? 0 : 1;
}

}  // namespace imgimport
