#include "emulators/drive/fault_answers.hpp"

#include <string>
#include <utility>

#include "emulators/drive/google_error.hpp"

namespace imgimport::emulator {
namespace {

constexpr std::string_view kSorryPage =
    "<!DOCTYPE html><html><head><title>Sorry...</title></head><body><h1>We're sorry...</h1><p>... but your computer or "
    "network may be sending automated queries. To protect our users, we can't process your request right now.</p>"
    "</body></html>";

HttpResponse html(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", "text/html; charset=UTF-8");
  response.body = std::move(body);
  return response;
}

HttpResponse refused(const FaultRule& rule) {
  GoogleError error = google_error(rule.reason);
  if (rule.status != 0) error.status = rule.status;
  return error_response(error);
}

HttpResponse dropped() {
  HttpResponse response;
  response.drop_connection = true;
  return response;
}

std::optional<HttpResponse> make(const Fault& fault) {
  const int status = fault.rule.status;
  switch (fault.action) {
    case FaultAction::kReason:
      return refused(fault.rule);
    case FaultAction::kStatus:
      return html(status != 0 ? status : 500, "<html><title>Error " + std::to_string(status) +
                                                  "</title><body><p>That's "
                                                  "an error.</p></body></html>");
    case FaultAction::kHtml200:
      return html(200, std::string(kSorryPage));
    case FaultAction::kJson200:
      return json_response(200, error_body(google_error("downloadQuotaExceeded")));
    case FaultAction::kDrop:
      return dropped();
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<HttpResponse> answer_instead(const Fault& fault) {
  auto response = make(fault);
  if (response && fault.rule.retry_after_seconds) {
    response->headers.set("Retry-After", std::to_string(*fault.rule.retry_after_seconds));
  }
  return response;
}

}  // namespace imgimport::emulator
