#include "drive/drive_api.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace imgimport {
namespace {

// A page of 1,000 files has about one megabyte.
constexpr std::size_t kMaxAnswer = 64u << 20;
constexpr std::size_t kMaxErrorBody = 64u << 10;

Error no_credentials() {
  return Error(ErrorCode::kMisconfigured, "no credentials for Google Drive are set")
      .with_reason("no_credentials")
      .with_remedy(
          "Set GOOGLE_API_KEY (for folders shared with anyone who has the link) or GOOGLE_APPLICATION_CREDENTIALS (the "
          "path of a service account's JSON file, for private folders and shared drives), and start again.");
}

std::string without(std::string text, const std::string& secret) {
  if (secret.empty()) return text;
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
    text.replace(at, secret.size(), "***");
  }
  return text;
}

}  // namespace

std::string read_beginning(const CallContext& context, ByteReader& reader, std::size_t limit) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  while (text.size() < limit) {
    const auto count = reader.read(context, buffer);
    if (!count.has_value() || *count == 0) break;
    text.append(reinterpret_cast<const char*>(buffer.data()), *count);
  }
  return text;
}

DriveApi::DriveApi(Options options, HttpClient& http, const Clock& clock)
    : options_(std::move(options)), http_(http), clock_(clock) {}

std::string_view DriveApi::account() const noexcept {
  return options_.tokens ? std::string_view(options_.tokens->email()) : std::string_view();
}

Result<DriveApi::Prepared> DriveApi::prepare(const CallContext& context, const DriveRequest& request) const {
  Prepared prepared;
  HttpClientRequest& http = prepared.http;
  http.max_response_bytes = kMaxAnswer;
  http.url = fmt::format("{}/drive/v3/{}?{}", options_.base_url, request.path, request.parameters);
  if (options_.tokens) {
    IMGIMPORT_ASSIGN_OR_RETURN(prepared.token, options_.tokens->get(context));
    http.headers.set("Authorization", "Bearer " + prepared.token);
  } else if (!options_.api_key.empty()) {
    http.url.append("&key=").append(options_.api_key);
  } else {
    return no_credentials();
  }
  if (!request.resource_key.empty()) {
    http.headers.set("X-Goog-Drive-Resource-Keys", fmt::format("{}/{}", request.id, request.resource_key));
  }
  if (request.offset > 0) http.headers.set("Range", fmt::format("bytes={}-", request.offset));
  return prepared;
}

bool DriveApi::may_retry(const Prepared& prepared, int status) const {
  if (status != 401 || prepared.token.empty()) return false;
  options_.tokens->refuse(prepared.token);
  return true;
}

Result<std::string> DriveApi::get(const CallContext& context, const DriveRequest& request) const {
  IMGIMPORT_ASSIGN_OR_RETURN(Prepared prepared, prepare(context, request));
  auto response = http_.send(context, prepared.http);
  if (response.has_value() && may_retry(prepared, response->status)) {
    IMGIMPORT_ASSIGN_OR_RETURN(prepared, prepare(context, request));
    response = http_.send(context, prepared.http);
  }
  if (!response.has_value()) return std::move(response).error();
  if (response->status != 200) return refusal(request, *response);
  return std::move(response->body);
}

Result<std::unique_ptr<HttpDownload>> DriveApi::open(const CallContext& context, const DriveRequest& request) const {
  IMGIMPORT_ASSIGN_OR_RETURN(Prepared prepared, prepare(context, request));
  auto download = http_.open(context, prepared.http);
  if (download.has_value() && may_retry(prepared, (*download)->status())) {
    // Read to its end, or its connection would be lost.
    static_cast<void>(read_beginning(context, **download, kMaxErrorBody));
    IMGIMPORT_ASSIGN_OR_RETURN(prepared, prepare(context, request));
    download = http_.open(context, prepared.http);
  }
  if (!download.has_value()) return std::move(download).error();
  const int status = (*download)->status();
  if (status == 200 || status == 206 || (status == 416 && request.offset > 0)) return *std::move(download);
  HttpClientResponse response;
  response.status = status;
  response.headers = (*download)->headers();
  response.body = read_beginning(context, **download, kMaxErrorBody);
  return refusal(request, response);
}

Error DriveApi::refusal(const DriveRequest& request, const HttpClientResponse& response) const {
  // Should Google ever quote the key back, it must not get into messages.
  const std::string body = without(response.body, options_.api_key);
  return drive_error({.kind = request.kind, .id = request.id, .account = account()},
                     {.status = response.status, .headers = response.headers, .body = body, .now = clock_.now()});
}

}  // namespace imgimport
