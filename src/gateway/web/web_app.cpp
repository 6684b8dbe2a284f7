#include "gateway/web/web_app.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/http_error.hpp"
#include "base/log.hpp"
#include "gateway/content_headers.hpp"
#include "gateway/web/embedded.hpp"

namespace imgimport {
namespace {

// 'self' is whichever of the ports the page came from. React sets styles through the CSSOM, which needs no allowance.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";
constexpr std::string_view kPermissions =
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()";
constexpr std::string_view kForGood = "public, max-age=31536000, immutable";

WebFiles embedded_files() {
  auto files = WebFiles::unpack(embedded_web_pack());
  if (files.has_value()) return *std::move(files);
  log_error("the web app within the program is broken", {{"error", files.error().message()}});
  return {};
}

// The routes of frontend/src/app.tsx; a test holds the two together. A name in it stands for one segment.
constexpr std::array<std::string_view, 6> kPages{"/", "/jobs", "/jobs/:id", "/gallery", "/problems", "/overview"};

bool is_page(std::string_view pattern, std::string_view path) {
  const std::size_t name = pattern.find(':');
  if (name == std::string_view::npos) return pattern == path;
  if (!path.starts_with(pattern.substr(0, name))) return false;
  const std::string_view segment = path.substr(name);
  return !segment.empty() && segment.find('/') == std::string_view::npos;
}

// Whether somebody reads the answer, rather than a program.
bool wants_a_page(const HttpRequest& request) {
  return request.headers.find("Accept").value_or("").find("text/html") != std::string_view::npos;
}

HttpResponse no_app(const HttpRequest& request) {
  return error_response(HttpErrorText{.status = 404,
                                      .code = "no_web_app",
                                      .message = "This program was built without the web app.",
                                      .remedy = "Install nodejs and npm, and build it again; the API is under /api.",
                                      .request_id = request.request_id});
}

struct Form {
  HttpSharedBody body;
  std::string_view coding;  // of Content-Encoding; empty = none
};

Form form_for(const HttpRequest& request, const WebFile& file) {
  const AcceptedCodings taken = accepted_codings(request.headers.find("Accept-Encoding").value_or(""));
  if (taken.brotli && file.brotli) return {file.brotli, "br"};
  if (taken.gzip && file.gzip) return {file.gzip, "gzip"};
  return {file.plain, ""};
}

}  // namespace

bool is_page_path(std::string_view path) {
  if (path.size() > 2 && path.ends_with('/')) path.remove_suffix(1);
  return std::any_of(kPages.begin(), kPages.end(), [path](std::string_view page) { return is_page(page, path); });
}

bool is_outside_the_api(std::string_view path) {
  const auto is_under = [path](std::string_view top) {
    return path == top || (path.starts_with(top) && path[top.size()] == '/');
  };
  return !is_under("/api") && !is_under("/internal") && !is_under("/metrics");
}

HttpResponse file_response(const HttpRequest& request, const WebFile& file, std::string_view policy) {
  const Form form = form_for(request, file);
  std::string tag("\"");
  tag.append(file.tag);
  if (!form.coding.empty()) tag.append("-").append(form.coding);
  tag.append("\"");
  HttpResponse response;
  HttpHeaders& headers = response.headers;
  headers.set("Cache-Control", std::string(file.immutable ? kForGood : "no-cache"));
  headers.set("Vary", "Accept-Encoding");
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("Referrer-Policy", "no-referrer");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  headers.set("Content-Security-Policy", std::string(policy));
  const bool unchanged = matches_if_none_match(request, tag);
  headers.set("ETag", std::move(tag));
  if (unchanged) {
    response.status = 304;
    return response;
  }
  headers.set("Content-Type", file.mime_type);
  if (!form.coding.empty()) headers.set("Content-Encoding", std::string(form.coding));
  response.body = form.body;
  return response;
}

WebApp::WebApp() : WebApp(embedded_files()) {}

WebApp::WebApp(WebFiles files) : files_(std::move(files)) {}

void WebApp::mount(Router& router) const {
  HttpRouteOptions options;
  options.on_io_thread = true;
  options.guarded = false;  // the app asks for the token itself, and holds no data
  router.set_fallback(
      is_outside_the_api, [this](const CallContext&, const HttpRequest& request) { return answer(request); }, options);
}

HttpResponse WebApp::answer(const HttpRequest& request) const {
  const WebFile* index = files_.find("/index.html");
  if (index == nullptr) return no_app(request);
  const WebFile* file = files_.find(request.path);
  if (file != nullptr) return app_response(request, *file);
  if (is_page_path(request.path)) return app_response(request, *index);
  // The status tells it to probes and scripts; the app tells it to people, and shows the way back.
  if (!wants_a_page(request)) return no_such_path(request);
  HttpRequest unconditional = request;
  unconditional.headers = {};
  unconditional.headers.set("Accept-Encoding", std::string(request.headers.find("Accept-Encoding").value_or("")));
  HttpResponse response = app_response(unconditional, *index);
  response.status = 404;
  return response;
}

HttpResponse WebApp::app_response(const HttpRequest& request, const WebFile& file) {
  HttpResponse response = file_response(request, file, kPolicy);
  response.headers.set("X-Frame-Options", "DENY");
  response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.set("Permissions-Policy", std::string(kPermissions));
  return response;
}

}  // namespace imgimport
