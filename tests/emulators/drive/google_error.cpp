#include "emulators/drive/google_error.hpp"

#include <array>
#include <boost/json.hpp>

namespace imgimport::emulator {
namespace {

struct Known {
  int status;
  std::string_view reason;
  std::string_view domain;
  std::string_view message;
  std::string_view location_type = {};
  std::string_view location = {};
};

// https://developers.google.com/workspace/drive/api/guides/handle-errors
constexpr std::array kKnown = {
    Known{400, "badRequest", "global", "Bad Request"},
    Known{400, "keyInvalid", "usageLimits", "Bad Request"},
    Known{400, "invalidSharingRequest", "global", "Bad Request. User message: \"Sorry, the item cannot be shared.\""},
    Known{401, "authError", "global", "Invalid Credentials", "header", "Authorization"},
    Known{403, "dailyLimitExceeded", "usageLimits", "Daily Limit Exceeded"},
    Known{403, "dailyLimitExceededUnreg", "usageLimits",
          "Daily Limit for Unauthenticated Use Exceeded. Continued use requires signup."},
    Known{403, "userRateLimitExceeded", "usageLimits", "User Rate Limit Exceeded"},
    Known{403, "rateLimitExceeded", "usageLimits", "Rate Limit Exceeded"},
    Known{403, "sharingRateLimitExceeded", "global",
          "Rate limit exceeded. User message: \"These item(s) could not be shared because a rate limit was exceeded\""},
    Known{403, "downloadQuotaExceeded", "usageLimits", "The download quota for this file has been exceeded.", "other",
          "quota.download"},
    Known{403, "quotaExceeded", "usageLimits", "The download quota for this file has been exceeded.", "other",
          "quota.download"},
    Known{403, "cannotDownloadAbusiveFile", "global",
          "This file has been identified as malware or spam and cannot be downloaded.", "parameter",
          "acknowledgeAbuse"},
    Known{403, "invalidAbuseAcknowledgment", "global", "The file has not been identified as abusive.", "parameter",
          "acknowledgeAbuse"},
    Known{403, "cannotDownloadFile", "global", "This file cannot be downloaded by the user."},
    Known{403, "fileNotDownloadable", "global",
          "Only files with binary content can be directly downloaded. Use Export with Docs Editors files.", "parameter",
          "alt"},
    Known{403, "insufficientFilePermissions", "global", "The user does not have sufficient permissions for this file."},
    Known{403, "insufficientPermissions", "global", "Request had insufficient authentication scopes."},
    Known{403, "forbidden", "global", "The requester is not allowed to do this."},
    Known{403, "accessNotConfigured", "usageLimits",
          "Google Drive API has not been used in project 123456789 before or it is disabled."},
    Known{403, "domainPolicy", "global", "The domain administrators have disabled Drive apps."},
    Known{403, "appNotAuthorizedToFile", "global",
          "The user has not granted the app 123456789 read access to the file."},
    Known{403, "teamDriveMembershipRequired", "global", "The attempted action requires shared drive membership."},
    Known{404, "notFound", "global", "File not found.", "parameter", "fileId"},
    Known{416, "requestedRangeNotSatisfiable", "global", "Request range not satisfiable", "header", "Range"},
    Known{429, "tooManyRequests", "usageLimits", "Rate Limit Exceeded"},
    Known{500, "internalError", "global", "Internal Error"},
    Known{500, "backendError", "global", "Backend Error"},
    Known{502, "badGateway", "global", "Bad Gateway"},
    Known{503, "backendError503", "global", "Transient failure"},
    Known{503, "transientError", "global", "Transient failure"},
    Known{504, "gatewayTimeout", "global", "Deadline expired before operation could complete."},
};

}  // namespace

GoogleError google_error(std::string_view reason) {
  for (const Known& known : kKnown) {
    if (known.reason == reason) {
      return {.status = known.status,
              .reason = std::string(reason == "backendError503" ? "backendError" : reason),
              .message = std::string(known.message),
              .domain = std::string(known.domain),
              .location_type = std::string(known.location_type),
              .location = std::string(known.location)};
    }
  }
  return {.status = 403, .reason = std::string(reason), .message = std::string(reason)};
}

GoogleError file_not_found(std::string_view id) {
  GoogleError error = google_error("notFound");
  error.message = "File not found: " + std::string(id) + ".";
  return error;
}

GoogleError shared_drive_not_found(std::string_view id) {
  GoogleError error = google_error("notFound");
  error.message = "Shared drive not found: " + std::string(id);
  error.location = "driveId";
  return error;
}

GoogleError invalid_parameter(std::string_view name, std::string_view message) {
  return {.status = 400,
          .reason = "invalid",
          .message = std::string(message),
          .location_type = "parameter",
          .location = std::string(name)};
}

std::string error_body(const GoogleError& error) {
  boost::json::object detail{{"message", error.message}, {"domain", error.domain}, {"reason", error.reason}};
  if (!error.location.empty()) {
    detail["location"] = error.location;
    detail["locationType"] = error.location_type;
  }
  if (error.reason == "dailyLimitExceededUnreg") detail["extendedHelp"] = "https://code.google.com/apis/console";
  return boost::json::serialize(boost::json::value{
      {"error", {{"code", error.status}, {"message", error.message}, {"errors", boost::json::array{detail}}}}});
}

HttpResponse json_response(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json; charset=UTF-8");
  response.body = std::move(body);
  return response;
}

HttpResponse error_response(const GoogleError& error) {
  return json_response(error.status, error_body(error));
}

}  // namespace imgimport::emulator
