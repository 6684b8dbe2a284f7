#include "emulators/drive/drive_service.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>
#include <variant>

#include "emulators/drive/byte_range.hpp"
#include "emulators/drive/fault_answers.hpp"
#include "emulators/drive/file_json.hpp"
#include "emulators/drive/file_query.hpp"
#include "emulators/drive/media_body.hpp"

namespace imgimport::emulator {
namespace {

bool is_media(const HttpRequest& request) {
  return request.query_value("alt") == "media";
}

// The item that a request is about: what fault rules may name.
std::string subject_of(RequestKind kind, const HttpRequest& request) {
  if (kind == RequestKind::kGet || kind == RequestKind::kDownload) return request.path_arg("id");
  if (kind != RequestKind::kList) return {};
  const auto query = FileQuery::parse(request.query_value("q").value_or(""));
  return query ? query->parent().value_or("") : std::string();
}

std::optional<GoogleError> refusal_of(const DriveItem& item, const HttpRequest& request) {
  if (item.kind != ItemKind::kFile) return google_error("fileNotDownloadable");
  if (!item.can_download) return google_error("cannotDownloadFile");
  const bool acknowledged = request.query_value("acknowledgeAbuse") == "true";
  if (item.abusive && !acknowledged) return google_error("cannotDownloadAbusiveFile");
  if (!item.abusive && acknowledged) return google_error("invalidAbuseAcknowledgment");
  return std::nullopt;
}

HttpResponse about_json() {
  return json_response(200, R"({"kind":"drive#about","user":{"kind":"drive#user","displayName":"Emulator","me":true,)"
                            R"("permissionId":"1","emailAddress":"owner@example.com"},)"
                            R"("storageQuota":{"limit":"16106127360","usage":"0","usageInDrive":"0"}})");
}

boost::json::object drive_json(const DriveItem& item) {
  return {{"kind", "drive#drive"}, {"id", item.id}, {"name", item.name}};
}

}  // namespace

DriveService::DriveService(std::uint64_t seed) : seed_(seed), tree_(seed), faults_(seed) {}

bool DriveService::log_to(const std::string& path) {
  const std::lock_guard lock(log_mutex_);
  log_.open(path, std::ios::app);
  logging_ = log_.good();
  return logging_;
}

void DriveService::log(RequestKind kind, const HttpRequest& request, int status) {
  if (!logging_) return;
  const std::lock_guard lock(log_mutex_);
  log_ << to_string(kind) << ' ' << request.method_text << ' ' << request.target << ' ' << status << std::endl;
}

void DriveService::route(Router& router, HttpMethod method, std::string pattern, HttpRouteOptions options,
                         std::function<RequestKind(const HttpRequest&)> kind_of, Answer answer) {
  options.guarded = false;
  router.handle_async(
      method, std::move(pattern),
      [this, kind_of = std::move(kind_of), answer = std::move(answer)](const CallContext&, const HttpRequest& request,
                                                                       HttpResponder responder) {
        const RequestKind kind = kind_of(request);
        const Fault fault = decide(kind, request);
        HttpResponse response = respond(kind, request, fault, answer);
        counters_.status(response.status);
        log(kind, request, response.status);
        const auto wait = fault.latency + std::chrono::milliseconds(latency_ms_.load());
        if (wait <= wait.zero()) return responder.send(std::move(response));
        // std::function wants to be copyable.
        const auto later =
            std::make_shared<std::pair<HttpResponder, HttpResponse>>(std::move(responder), std::move(response));
        delayer_.after(wait, [later] { later->first.send(std::move(later->second)); });
      },
      options);
}

Fault DriveService::decide(RequestKind kind, const HttpRequest& request) {
  counters_.request(kind);
  counters_.units(units_of(kind));
  if (connection_gauge_) counters_.connections(connection_gauge_());
  if (faults_.rules() == 0) return {};
  const std::string id = subject_of(kind, request);
  std::string name;
  tree_.with_item(id, [&](const DriveItem& item) { name = item.name; });
  return faults_.decide(kind, id, name);
}

HttpResponse DriveService::respond(RequestKind kind, const HttpRequest& request, const Fault& fault,
                                   const Answer& answer) {
  if (kind == RequestKind::kDownload) counters_.download_asked(request.path_arg("id"));
  if (fault.action == FaultAction::kExpirePageTokens) expire_page_tokens();
  if (fault.action == FaultAction::kExpireAccessTokens) access_.expire_access_tokens();
  if (auto instead = answer_instead(fault)) return *std::move(instead);
  if (!faults_.spend(units_of(kind))) return error_response(google_error("userRateLimitExceeded"));
  HttpResponse response = answer(request, fault);
  const bool media_sent = kind == RequestKind::kDownload && response.status < 300;
  return media_sent ? std::move(response) : harmed(std::move(response), fault);
}

// Faults of the body on answers that are JSON.
HttpResponse DriveService::harmed(HttpResponse response, const Fault& fault) {
  auto* text = std::get_if<std::string>(&response.body);
  if (fault.action == FaultAction::kNone || !text || response.status >= 300) return response;
  const std::uint64_t length = text->size();
  put_body(response, {.content = bytes_content(std::move(*text)), .from = 0, .to = length}, fault, delayer_);
  return response;
}

HttpResponse DriveService::list(const HttpRequest& request, const Caller& caller) {
  return list_files(tree_, request, viewer_of(request, caller), page_tokens_);
}

HttpResponse DriveService::get(const HttpRequest& request, const Caller& caller) {
  const std::string& asked = request.path_arg("id");
  const std::string& id = asked == "root" ? tree_.root_id() : asked;
  const auto mask = FieldMask::parse(request.query_value("fields").value_or(kDefaultFileFields));
  const std::string unknown = mask ? mask->unknown_field(file_field_names()) : "?";
  if (!unknown.empty()) {
    GoogleError error = invalid_parameter("fields", "Invalid field selection " + unknown);
    error.reason = "invalidParameter";
    return error_response(error);
  }
  std::string body;
  tree_.with_item(id, [&](const DriveItem& item) {
    if (is_visible(item, viewer_of(request, caller))) body = boost::json::serialize(file_json(item, *mask));
  });
  return body.empty() ? error_response(file_not_found(asked)) : json_response(200, std::move(body));
}

HttpResponse DriveService::download(const HttpRequest& request, const Caller& caller, const Fault& fault) {
  const std::string& id = request.path_arg("id");
  std::optional<DriveItem> item = tree_.find(id);
  if (!item || !is_visible(*item, viewer_of(request, caller))) return error_response(file_not_found(id));
  if (auto refused = refusal_of(*item, request)) return error_response(*refused);
  return send_content(request, *item, fault);
}

HttpResponse DriveService::send_content(const HttpRequest& request, const DriveItem& item, const Fault& fault) {
  BodyPlan plan{.content = item.served ? item.served : item.content};
  if (fault.action == FaultAction::kWrongContent) {
    plan.content = synthetic_content({.seed = seed_ + 7, .index = item.version, .size = item.content->size()});
  }
  plan.to = plan.content->size();
  HttpResponse response;
  response.headers.set("Content-Type", item.mime_type);
  response.headers.set("Content-Disposition", "attachment");
  if (const auto header = request.headers.find("Range")) {
    const ByteRange range = parse_byte_range(*header, plan.to);
    if (range.kind == ByteRange::Kind::kUnsatisfiable) {
      HttpResponse refused = error_response(google_error("requestedRangeNotSatisfiable"));
      refused.headers.set("Content-Range", fmt::format("bytes */{}", plan.to));
      return refused;
    }
    if (range.kind == ByteRange::Kind::kPart) {
      response.status = 206;
      response.headers.set("Content-Range", fmt::format("bytes {}-{}/{}", range.from, range.to - 1, plan.to));
      plan.from = range.from;
      plan.to = range.to;
    }
  }
  counters_.download_promised(plan.to - plan.from);
  counters_.download_begins();
  plan.held = std::shared_ptr<void>(nullptr, [this](void*) { counters_.download_ends(); });
  if (response.status == 206) {
    counters_.download_partial(item.id);
  } else if (fault.action == FaultAction::kNone) {
    counters_.download_full(item.id);
  }
  put_body(response, std::move(plan), fault, delayer_);
  return response;
}

void DriveService::mount(Router& router) {
  const auto as_caller = [this](auto answer) -> Answer {
    return [this, answer](const HttpRequest& request, const Fault& fault) {
      auto who = access_.authenticate(request);
      if (const auto* refused = std::get_if<GoogleError>(&who)) return error_response(*refused);
      return answer(request, std::get<Caller>(who), fault);
    };
  };
  const auto always = [](RequestKind kind) { return [kind](const HttpRequest&) { return kind; }; };
  const HttpRouteOptions fast{.on_io_thread = true};

  route(router, HttpMethod::kGet, "/drive/v3/files", {}, always(RequestKind::kList),
        as_caller(
            [this](const HttpRequest& request, const Caller& caller, const Fault&) { return list(request, caller); }));
  route(
      router, HttpMethod::kGet, "/drive/v3/files/{id}", fast,
      [](const HttpRequest& request) { return is_media(request) ? RequestKind::kDownload : RequestKind::kGet; },
      as_caller([this](const HttpRequest& request, const Caller& caller, const Fault& fault) {
        return is_media(request) ? download(request, caller, fault) : get(request, caller);
      }));
  route(router, HttpMethod::kGet, "/drive/v3/about", fast, always(RequestKind::kOther),
        as_caller([](const HttpRequest&, const Caller&, const Fault&) { return about_json(); }));
  route(router, HttpMethod::kGet, "/drive/v3/drives/{id}", fast, always(RequestKind::kOther),
        as_caller([this](const HttpRequest& request, const Caller& caller, const Fault&) {
          const std::string& id = request.path_arg("id");
          const auto item = tree_.find(id);
          if (!item || !is_member(tree_, id, caller)) return error_response(shared_drive_not_found(id));
          return json_response(200, boost::json::serialize(drive_json(*item)));
        }));
  for (const char* path : {"/token", "/oauth2/v4/token"}) {
    route(router, HttpMethod::kPost, path, {}, always(RequestKind::kToken),
          [this](const HttpRequest& request, const Fault&) { return access_.exchange(request.body); });
  }
  mount_admin(router);
}

}  // namespace imgimport::emulator
