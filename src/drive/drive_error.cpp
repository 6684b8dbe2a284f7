#include "drive/drive_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <vector>

#include "base/http_date.hpp"
#include "base/text.hpp"

namespace imgimport {
namespace {

namespace json = boost::json;

// From weak to strong.
enum class Strength : std::uint8_t { kNone, kPasses, kSlowsDown, kDefers, kFailsItem, kRefusesToken, kStopsJob };

// What one reason means. `{}` in the message is the thing asked for.
struct Meaning {
  std::string_view google_reason;
  std::string_view reason;  // ours
  ErrorCode code;
  Strength strength;
  std::string_view message;
  std::string_view remedy;
};

constexpr std::string_view kKeyRemedy =
    "Set GOOGLE_API_KEY to a valid key of a Google Cloud project in which the Google Drive API is enabled, or "
    "GOOGLE_APPLICATION_CREDENTIALS to a service account's JSON file.";
constexpr std::string_view kEnableRemedy =
    "Open https://console.cloud.google.com/apis/library/drive.googleapis.com in the project of the key or service "
    "account, enable the Google Drive API, and wait a few minutes.";
constexpr std::string_view kQuotaRemedy =
    "Raise the daily limit of the Google Drive API in the Google Cloud console, or wait until midnight Pacific Time.";
constexpr std::string_view kRestrictionRemedy =
    "Lift the key's restrictions in the Google Cloud console (API, IP addresses, referrers) so that this server may "
    "use "
    "it for the Google Drive API.";
constexpr std::string_view kPermissionRemedy =
    "Ask the owner to let viewers download it, or share it with the account that imports.";

constexpr auto kMeanings = std::to_array<Meaning>({
    {"keyInvalid", "key_invalid", ErrorCode::kMisconfigured, Strength::kStopsJob, "Google refuses the API key",
     kKeyRemedy},
    {"API_KEY_INVALID", "key_invalid", ErrorCode::kMisconfigured, Strength::kStopsJob, "Google refuses the API key",
     kKeyRemedy},
    {"keyExpired", "key_expired", ErrorCode::kMisconfigured, Strength::kStopsJob, "the API key has expired",
     kKeyRemedy},
    {"API_KEY_EXPIRED", "key_expired", ErrorCode::kMisconfigured, Strength::kStopsJob, "the API key has expired",
     kKeyRemedy},
    {"ipRefererBlocked", "key_restricted", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the API key may not be used from here", kRestrictionRemedy},
    {"API_KEY_IP_ADDRESS_BLOCKED", "key_restricted", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the API key may not be used from here", kRestrictionRemedy},
    {"API_KEY_HTTP_REFERRER_BLOCKED", "key_restricted", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the API key may not be used from here", kRestrictionRemedy},
    {"API_KEY_SERVICE_BLOCKED", "key_restricted", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the API key may not be used for Google Drive", kRestrictionRemedy},
    {"accessNotConfigured", "access_not_configured", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the Google Drive API is not enabled in the project of the credentials", kEnableRemedy},
    {"SERVICE_DISABLED", "access_not_configured", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the Google Drive API is not enabled in the project of the credentials", kEnableRemedy},
    {"CONSUMER_SUSPENDED", "project_suspended", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the Google Cloud project of the credentials is suspended",
     "Settle it in the Google Cloud console, or use another project's credentials."},
    {"CONSUMER_INVALID", "project_invalid", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the Google Cloud project of the credentials does not exist any more", kKeyRemedy},
    {"dailyLimitExceeded", "daily_limit_exceeded", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the daily limit that the owner set for the Google Cloud project is used up", kQuotaRemedy},
    {"dailyLimitExceededUnreg", "daily_limit_exceeded_unreg", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "Google saw no valid API key in the request", kKeyRemedy},
    {"domainPolicy", "domain_policy", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the administrators of the domain do not allow this access to Google Drive",
     "Ask the Google Workspace administrator to allow Drive apps for the account."},
    {"teamDriveMembershipRequired", "team_drive_membership_required", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "only members of the shared drive may do this",
     "Add the account to the shared drive's members; a viewer's role is enough."},
    {"insufficientPermissions", "insufficient_scopes", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the credentials lack the scope https://www.googleapis.com/auth/drive.readonly",
     "Grant that scope to the service account (for impersonation: in the Workspace admin console)."},
    {"ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficient_scopes", ErrorCode::kMisconfigured, Strength::kStopsJob,
     "the credentials lack the scope https://www.googleapis.com/auth/drive.readonly",
     "Grant that scope to the service account (for impersonation: in the Workspace admin console)."},
    {"authError", "auth_error", ErrorCode::kUnauthenticated, Strength::kRefusesToken, "Google refuses the access token",
     "Check that the service account still exists and its key was not deleted."},
    {"required", "auth_error", ErrorCode::kUnauthenticated, Strength::kRefusesToken,
     "Google asks for credentials that it did not get", kKeyRemedy},
    {"notFound", "not_found", ErrorCode::kNotFound, Strength::kFailsItem, "", ""},
    {"cannotDownloadFile", "cannot_download_file", ErrorCode::kPermissionDenied, Strength::kFailsItem,
     "the owner does not allow {} to be downloaded", kPermissionRemedy},
    {"insufficientFilePermissions", "insufficient_file_permissions", ErrorCode::kPermissionDenied, Strength::kFailsItem,
     "there is no right to read {}", "Share it with the account that imports, as Viewer."},
    {"forbidden", "forbidden", ErrorCode::kPermissionDenied, Strength::kFailsItem,
     "Google does not allow {} to be read", "Share it with the account that imports, as Viewer."},
    {"appNotAuthorizedToFile", "app_not_authorized_to_file", ErrorCode::kPermissionDenied, Strength::kFailsItem,
     "the credentials were not granted {}", "Share it with the account that imports, as Viewer."},
    {"fileNotDownloadable", "file_not_downloadable", ErrorCode::kUnsupported, Strength::kFailsItem,
     "{} has no bytes to download (a Google document, a folder or a shortcut)",
     "Export it in Google Drive if it is wanted as an image."},
    {"cannotDownloadAbusiveFile", "cannot_download_abusive_file", ErrorCode::kPermissionDenied, Strength::kFailsItem,
     "Google marks {} as malware or spam",
     "If it is yours and you trust it, set DRIVE_ACKNOWLEDGE_ABUSE=true and retry; only its owner may download it."},
    {"invalidAbuseAcknowledgment", "invalid_abuse_acknowledgment", ErrorCode::kPermissionDenied, Strength::kFailsItem,
     "Google does not let this account take the risk of {}", "Only the owner may download a file marked as malware."},
    {"downloadQuotaExceeded", "download_quota_exceeded", ErrorCode::kQuotaExhausted, Strength::kDefers,
     "{} was downloaded too often lately; Google refuses it for up to 24 hours",
     "A copy of the file in your own Drive has a quota of its own."},
    {"quotaExceeded", "download_quota_exceeded", ErrorCode::kQuotaExhausted, Strength::kDefers,
     "{} was downloaded too often lately; Google refuses it for up to 24 hours",
     "A copy of the file in your own Drive has a quota of its own."},
    {"userRateLimitExceeded", "user_rate_limit_exceeded", ErrorCode::kRateLimited, Strength::kSlowsDown,
     "Google Drive asks this account to slow down", ""},
    {"rateLimitExceeded", "rate_limit_exceeded", ErrorCode::kRateLimited, Strength::kSlowsDown,
     "Google Drive asks this project to slow down", ""},
    {"sharingRateLimitExceeded", "rate_limit_exceeded", ErrorCode::kRateLimited, Strength::kSlowsDown,
     "Google Drive asks this project to slow down", ""},
    {"RATE_LIMIT_EXCEEDED", "rate_limit_exceeded", ErrorCode::kRateLimited, Strength::kSlowsDown,
     "Google Drive asks this project to slow down", ""},
    {"tooManyRequests", "rate_limit_exceeded", ErrorCode::kRateLimited, Strength::kSlowsDown,
     "Google Drive asks this project to slow down", ""},
    {"backendError", "backend_error", ErrorCode::kUnavailable, Strength::kPasses, "Google Drive has trouble of its own",
     ""},
    {"internalError", "internal_error", ErrorCode::kUnavailable, Strength::kPasses,
     "Google Drive has trouble of its own", ""},
    {"transientError", "backend_error", ErrorCode::kUnavailable, Strength::kPasses,
     "Google Drive has trouble of its own", ""},
});

struct Stated {
  std::string reason;
  std::string location;
};

// An error document, read as far as it is one.
struct Document {
  std::vector<Stated> stated;
  std::string message;
  bool is_json = false;
};

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

void read_list(const json::object& error, std::string_view list, Document& document) {
  const json::value* const value = error.if_contains(list);
  if (value == nullptr || !value->is_array()) return;
  for (const json::value& entry : value->get_array()) {
    if (!entry.is_object()) continue;
    Stated stated{text_of(entry.get_object(), "reason"), text_of(entry.get_object(), "location")};
    if (!stated.reason.empty()) document.stated.push_back(std::move(stated));
  }
}

Document read_document(std::string_view body) {
  Document document;
  json::error_code failure;
  const json::value root = json::parse(body, failure, {}, {.allow_invalid_utf8 = true});
  if (failure || !root.is_object()) return document;
  const json::value* const error = root.get_object().if_contains("error");
  if (error == nullptr || !error->is_object()) return document;
  document.is_json = true;
  document.message = text_of(error->get_object(), "message");
  read_list(error->get_object(), "errors", document);
  read_list(error->get_object(), "details", document);
  return document;
}

// The cut may have gone through a character.
std::string clipped(std::string_view text, std::size_t longest) {
  return to_valid_utf8(text.substr(0, longest));
}

const Meaning* meaning_of(std::string_view google_reason) {
  const auto found = std::find_if(kMeanings.begin(), kMeanings.end(),
                                  [&](const Meaning& meaning) { return meaning.google_reason == google_reason; });
  return found == kMeanings.end() ? nullptr : &*found;
}

const Meaning* strongest(const Document& document) {
  const Meaning* best = nullptr;
  for (const Stated& stated : document.stated) {
    const Meaning* const meaning = meaning_of(stated.reason);
    if (meaning != nullptr && (best == nullptr || meaning->strength > best->strength)) best = meaning;
  }
  // Of a wrong key the old error format says no more than "badRequest".
  if (best == nullptr && document.message.starts_with("API key not valid")) best = meaning_of("keyInvalid");
  if (best == nullptr && document.message.starts_with("API key expired")) best = meaning_of("keyExpired");
  return best;
}

std::string thing(const DriveCall& call) {
  const bool folder = call.kind == DriveCall::Kind::kRoot || call.kind == DriveCall::Kind::kList;
  return fmt::format("the {} {}", folder ? "folder" : "file", call.id);
}

Error not_found(const DriveCall& call) {
  const bool by_key = call.account.empty();
  std::string causes = fmt::format(
      "Google Drive shows nothing for {}: it was deleted, or you have no right to read it, or it is not shared with "
      "{}, "
      "or its resource key is missing from the link",
      thing(call),
      by_key ? "everybody who has the link, which is all that an API key can see"
             : fmt::format("the service account {}", call.account));
  std::string remedy =
      by_key ? std::string(
                   "Share it with \"Anyone with the link\", or use a service account (GOOGLE_APPLICATION_CREDENTIALS); "
                   "paste the whole link, with its resourcekey if it has one.")
             : fmt::format("Share it with {} as Viewer; paste the whole link, with its resourcekey if it has one.",
                           call.account);
  return Error(ErrorCode::kNotFound, std::move(causes)).with_reason("not_found").with_remedy(std::move(remedy));
}

// Google's page for machines that ask too much, in place of an API's answer.
bool is_robot_page(std::string_view body) {
  return body.find("automated queries") != std::string_view::npos ||
         body.find("unusual traffic") != std::string_view::npos;
}

bool rejects_page_token(const DriveCall& call, int status, const Document& document) {
  if (call.kind != DriveCall::Kind::kList || status != 400) return false;
  return std::any_of(document.stated.begin(), document.stated.end(), [](const Stated& stated) {
    return equals_ignore_case(stated.location, "pageToken") || equals_ignore_case(stated.reason, "invalidPageToken");
  });
}

// Of a drive's non-members, in either of Google's ways: "Shared drive not found" says nothing of the folder.
bool refuses_shared_drive(const DriveCall& call, const Document& document) {
  if (call.kind != DriveCall::Kind::kList) return false;
  return std::any_of(document.stated.begin(), document.stated.end(), [](const Stated& stated) {
    return stated.reason == "notFound" && equals_ignore_case(stated.location, "driveId");
  });
}

Error by_status(const DriveCall& call, const DriveRefusal& refusal, const Document& document) {
  const std::string said = document_summary(refusal.body);
  const std::string stated = document.stated.empty() ? std::string() : snake_case(document.stated.front().reason);
  const auto make = [&](ErrorCode code, std::string_view fallback_reason) {
    return Error(code, fmt::format("Google Drive answered {} for {}{}{}", refusal.status, thing(call),
                                   said.empty() ? "" : ": ", said))
        .with_reason(stated.empty() ? std::string(fallback_reason) : stated);
  };
  if (refusal.status == 429 || is_robot_page(refusal.body)) {
    return make(ErrorCode::kRateLimited, "rate_limit_exceeded");
  }
  if (refusal.status == 404 || refusal.status == 410) return not_found(call);
  if (refusal.status == 401) {
    return make(ErrorCode::kUnauthenticated, "auth_error").with_remedy(std::string(meaning_of("authError")->remedy));
  }
  // Without an API's error in it, the refusal is a proxy's or a passing fault's.
  if (refusal.status == 403) {
    return document.is_json
               ? make(ErrorCode::kPermissionDenied, "forbidden").with_remedy(std::string(kPermissionRemedy))
               : make(ErrorCode::kUnavailable, "unexpected_answer");
  }
  if (refusal.status >= 500 || refusal.status == 408) return make(ErrorCode::kUnavailable, "backend_error");
  if (refusal.status < 400) {
    return make(ErrorCode::kUnavailable, "unexpected_answer")
        .with_remedy("Check GOOGLE_DRIVE_API_URL, and any proxy on the way.");
  }
  return make(ErrorCode::kInvalidArgument, "bad_request");
}

Error by_meaning(const DriveCall& call, const Meaning& meaning, const Document& document) {
  if (meaning.code == ErrorCode::kNotFound) return not_found(call);
  // Of a root that is closed to the account Google says so, or that there is none: what to do about it is the same.
  const bool closed_root = call.kind == DriveCall::Kind::kRoot && meaning.code == ErrorCode::kPermissionDenied;
  if (closed_root) return not_found(call).with_reason(std::string(meaning.reason));
  std::string message = fmt::format(fmt::runtime(meaning.message), thing(call));
  // Google's own words name the project, the limit or the policy.
  if (meaning.strength == Strength::kStopsJob && !document.message.empty()) {
    message += " (Google says: " + clipped(document.message, 300) + ")";
  }
  return Error(meaning.code, std::move(message))
      .with_reason(std::string(meaning.reason))
      .with_remedy(std::string(meaning.remedy));
}

Error without_wait(const DriveCall& call, const DriveRefusal& refusal) {
  const Document document = read_document(refusal.body);
  if (rejects_page_token(call, refusal.status, document)) {
    return Error(ErrorCode::kConflict,
                 fmt::format("Google Drive does not accept the page token for {} any more", thing(call)))
        .with_reason("page_token_rejected")
        .with_remedy("The folder is listed again from its first page.");
  }
  if (refuses_shared_drive(call, document)) {
    return by_meaning(call, *meaning_of("teamDriveMembershipRequired"), document);
  }
  if (const Meaning* const meaning = strongest(document)) return by_meaning(call, *meaning, document);
  return by_status(call, refusal, document);
}

}  // namespace

Error drive_error(const DriveCall& call, const DriveRefusal& refusal) {
  Error error = without_wait(call, refusal);
  if (!error.is_transient()) return error;
  const auto wait = retry_after_of(refusal.headers, refusal.now);
  return wait ? std::move(error).with_retry_after(*wait) : error;
}

std::optional<Error> stated_drive_error(const DriveCall& call, const DriveRefusal& refusal) {
  if (strongest(read_document(refusal.body)) == nullptr && !is_robot_page(refusal.body)) return std::nullopt;
  return drive_error(call, refusal);
}

std::string document_summary(std::string_view body) {
  constexpr std::size_t kLongest = 200;
  const Document document = read_document(body);
  if (!document.message.empty()) return clipped(document.message, kLongest);
  const std::string lower = to_lower_ascii(body);
  const std::size_t start = lower.find("<title>");
  if (start == std::string::npos) return {};
  const std::size_t end = lower.find("</title>", start);
  if (end == std::string::npos) return {};
  const std::string_view title = trim(body.substr(start + 7, end - start - 7));
  return fmt::format("a web page titled \"{}\"", clipped(title, kLongest));
}

}  // namespace imgimport
