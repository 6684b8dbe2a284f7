#include "storage/azure/azure_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "base/http_date.hpp"
#include "base/text.hpp"
#include "storage/http_answer.hpp"

namespace imgimport {
namespace {

// What one of Azure's words means. In the message, {0} names the account, {1} the container and {2} the object.
struct Meaning {
  std::string_view azure_code;
  ErrorCode code;
  std::string_view reason;
  std::string_view message;
  std::string_view remedy;
};

constexpr std::string_view kCredentials =
    "Copy the connection string from \"Access keys\" of the storage account into AZURE_STORAGE_CONNECTION_STRING again "
    "(keys may have been rotated), and check that this machine's clock is right: Azure refuses requests that are 15 "
    "minutes off.";
constexpr std::string_view kClock =
    "Set this machine's clock (timedatectl set-ntp true): Azure refuses requests that are 15 minutes off.";
constexpr std::string_view kNewSas =
    "Make a new shared access signature and set it in AZURE_STORAGE_CONNECTION_STRING, or use the account's key.";
constexpr std::string_view kSasRights =
    "Give the shared access signature in AZURE_STORAGE_CONNECTION_STRING the service Blob, the resource types "
    "Container and Object, and the permissions read, write, create, delete; or use the account's key.";
constexpr std::string_view kNetwork =
    "Open \"Networking\" of the storage account in the Azure portal and allow this machine's address; with a shared "
    "access signature, check its permissions as well.";
constexpr std::string_view kContainer =
    "Create the container in the storage account, or set AZURE_STORAGE_CONTAINER_NAME to one that exists.";
constexpr std::string_view kAccount = "Check the storage account in the Azure portal: its state and its subscription.";
constexpr std::string_view kTier =
    "Set STORAGE_CLASS to an access tier that the storage account has (Hot, Cool, Cold, Archive), or leave it empty.";
constexpr std::string_view kImmutable =
    "Remove the container's immutability policy or legal hold, or use another container "
    "(AZURE_STORAGE_CONTAINER_NAME).";
constexpr std::string_view kFull =
    "Delete what is not needed, raise the account's limit by a request to Azure's support, or use another account "
    "(AZURE_STORAGE_CONNECTION_STRING).";

constexpr auto kMeanings = std::to_array<Meaning>({
    {"AuthenticationFailed", ErrorCode::kUnauthenticated, "authentication_failed",
     "Azure refuses the credentials for {0}: the key is wrong, or this machine's clock is off", kCredentials},
    {"InvalidAuthenticationInfo", ErrorCode::kUnauthenticated, "authentication_failed",
     "Azure cannot read the credentials for {0}", kCredentials},
    {"NoAuthenticationInformation", ErrorCode::kUnauthenticated, "authentication_failed",
     "Azure saw no credentials for {0}", kCredentials},
    {"AuthorizationFailure", ErrorCode::kMisconfigured, "access_denied",
     "Azure does not let this machine, or these credentials, into {0}", kNetwork},
    {"AuthorizationPermissionMismatch", ErrorCode::kMisconfigured, "access_denied",
     "the credentials for {0} do not allow this", kSasRights},
    {"AuthorizationResourceTypeMismatch", ErrorCode::kMisconfigured, "access_denied",
     "the shared access signature for {0} is not one for containers and objects", kSasRights},
    {"AuthorizationServiceMismatch", ErrorCode::kMisconfigured, "access_denied",
     "the shared access signature for {0} is not one for blobs", kSasRights},
    {"AuthorizationProtocolMismatch", ErrorCode::kMisconfigured, "https_required",
     "the shared access signature for {0} is for https alone",
     "Use https in AZURE_STORAGE_CONNECTION_STRING (BlobEndpoint, DefaultEndpointsProtocol)."},
    {"AuthorizationSourceIPMismatch", ErrorCode::kMisconfigured, "access_denied",
     "the shared access signature for {0} is for other addresses than this machine's", kNewSas},
    {"AccountRequiresHttps", ErrorCode::kMisconfigured, "https_required", "{0} takes https alone",
     "Use https in AZURE_STORAGE_CONNECTION_STRING (BlobEndpoint, DefaultEndpointsProtocol)."},
    {"KeyBasedAuthenticationNotPermitted", ErrorCode::kMisconfigured, "keys_not_permitted",
     "{0} takes no requests signed with its key",
     "Turn \"Allow storage account key access\" on under \"Configuration\" of the storage account."},
    {"PublicAccessNotPermitted", ErrorCode::kMisconfigured, "access_denied",
     "{0} takes no requests without credentials", kCredentials},
    {"AccountIsDisabled", ErrorCode::kMisconfigured, "account_disabled", "{0} is disabled", kAccount},
    {"InsufficientAccountPermissions", ErrorCode::kMisconfigured, "account_disabled", "{0} may not do this now",
     kAccount},
    {"AccountBeingCreated", ErrorCode::kUnavailable, "account_being_created", "{0} is still being made", ""},
    {"ContainerNotFound", ErrorCode::kMisconfigured, "no_such_container", "{1} does not exist in {0}", kContainer},
    {"ResourceNotFound", ErrorCode::kMisconfigured, "no_such_container", "Azure does not know {0}, or {1} in it",
     "Check AccountName and BlobEndpoint in AZURE_STORAGE_CONNECTION_STRING, and AZURE_STORAGE_CONTAINER_NAME."},
    {"ContainerDisabled", ErrorCode::kMisconfigured, "container_disabled", "{1} is disabled", kAccount},
    {"ContainerBeingDeleted", ErrorCode::kUnavailable, "container_being_deleted",
     "{1} is being deleted, which takes Azure half a minute or more", ""},
    {"BlobNotFound", ErrorCode::kNotFound, "no_such_object", "{1} does not hold {2}", ""},
    {"Md5Mismatch", ErrorCode::kCorrupt, "checksum_mismatch",
     "Azure refused the bytes: they do not have the MD5 that was promised", ""},
    {"Crc64Mismatch", ErrorCode::kCorrupt, "checksum_mismatch",
     "Azure refused the bytes: they do not have the checksum that was promised", ""},
    {"RequestBodyTooLarge", ErrorCode::kTooLarge, "too_large", "the content is larger than Azure takes in one piece",
     ""},
    {"BlobTierInadequateForContentLength", ErrorCode::kTooLarge, "too_large",
     "the content is larger than the access tier allows", kTier},
    {"InvalidBlobTier", ErrorCode::kMisconfigured, "bad_access_tier", "Azure does not know the access tier", kTier},
    {"AccessTierNotSupportedForBlobType", ErrorCode::kMisconfigured, "bad_access_tier",
     "{0} does not have the access tier", kTier},
    {"UnsupportedAccessTier", ErrorCode::kMisconfigured, "bad_access_tier", "{0} does not have the access tier", kTier},
    {"BlobArchived", ErrorCode::kUnsupported, "archived", "{2} is in the archive, where it cannot be read",
     "Move it to the Hot or Cool tier in the Azure portal; that takes Azure some hours."},
    {"BlobBeingRehydrated", ErrorCode::kUnsupported, "archived", "{2} is on its way out of the archive",
     "Wait until it has arrived; that takes Azure some hours."},
    {"BlobImmutableDueToPolicy", ErrorCode::kPermissionDenied, "immutable", "an immutability policy protects {2}",
     kImmutable},
    {"BlobImmutableDueToLegalHold", ErrorCode::kPermissionDenied, "immutable", "a legal hold protects {2}", kImmutable},
    {"LeaseIdMissing", ErrorCode::kPermissionDenied, "leased", "somebody holds a lease on {2}",
     "Break the lease in the Azure portal."},
    {"InvalidRange", ErrorCode::kInvalidArgument, "range_not_satisfiable", "the range lies outside the object", ""},
    {"ConditionNotMet", ErrorCode::kConflict, "changed_meanwhile", "{2} was changed meanwhile", ""},
    {"InvalidBlockList", ErrorCode::kUnavailable, "blocks_lost", "{2} was written by somebody else at the same time",
     ""},
    {"InvalidBlobOrBlock", ErrorCode::kUnavailable, "blocks_lost", "{2} was written by somebody else at the same time",
     ""},
    {"InvalidResourceName", ErrorCode::kInvalidArgument, "bad_object_key", "Azure takes no such name: {2}", ""},
    {"InvalidUri", ErrorCode::kInvalidArgument, "bad_object_key", "Azure takes no such name: {2}", ""},
    {"ServerBusy", ErrorCode::kRateLimited, "server_busy", "Azure asks for fewer requests to {0}", ""},
    {"TooManyRequests", ErrorCode::kRateLimited, "server_busy", "Azure asks for fewer requests to {0}", ""},
    {"OperationTimedOut", ErrorCode::kUnavailable, "operation_timed_out", "Azure did not manage it in time", ""},
    {"InternalError", ErrorCode::kUnavailable, "internal_error", "Azure had a fault of its own", ""},
});

// Azure's texts end in the id and time of the request.
std::string first_line(std::string_view text) {
  constexpr std::size_t kLongest = 300;
  return to_valid_utf8(trim(text.substr(0, std::min(text.find('\n'), kLongest))));
}

std::string account_of(const AzureCall& call) {
  return call.account.empty() ? "the storage account" : fmt::format("the storage account {}", call.account);
}

std::string container_of(const AzureCall& call) {
  return call.container.empty() ? "the container" : fmt::format("the container \"{}\"", call.container);
}

std::string object_of(const AzureCall& call) {
  return call.blob.empty() ? "the object" : fmt::format("the object {}", call.blob);
}

// Whose answer it is: a proxy or a page in Azure's place carries no request id.
bool is_from_azure(const AzureRefusal& refusal) {
  return refusal.headers.find("x-ms-request-id").has_value() || refusal.headers.find("x-ms-error-code").has_value();
}

bool clock_is_off(const AzureRefusal& refusal) {
  const auto date = refusal.headers.find("Date");
  const auto theirs = date ? parse_http_date(trim(*date)) : std::nullopt;
  return theirs && std::chrono::abs(*theirs - refusal.now) >= std::chrono::minutes(14);
}

// Where Azure, or its clock, says why.
std::optional<Error> finer_authentication_error(const AzureCall& call, const AzureRefusal& refusal) {
  const std::string detail = to_lower_ascii(xml_element(refusal.body, "AuthenticationErrorDetail").value_or(""));
  const auto says = [&](std::string_view words) { return detail.find(words) != std::string::npos; };
  if (clock_is_off(refusal) || says("date header too old")) {
    return Error(ErrorCode::kUnauthenticated, "this machine's clock is off: Azure refuses its requests")
        .with_reason("clock_off")
        .with_remedy(std::string(kClock));
  }
  if (says("specified time frame") || says("expiry time")) {
    return Error(ErrorCode::kUnauthenticated,
                 fmt::format("the shared access signature for {} has expired, or is not valid yet", account_of(call)))
        .with_reason("signature_expired")
        .with_remedy(std::string(kNewSas));
  }
  return std::nullopt;
}

// A quota's codes differ between kinds of accounts.
bool is_out_of_space(const AzureRefusal& refusal, std::string_view code) {
  if (refusal.status == 507) return true;
  constexpr std::array<std::string_view, 4> kWords = {"Quota", "InsufficientStorage", "Capacity", "OutOfSpace"};
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return code.find(word) != std::string_view::npos; });
}

Error by_meaning(const AzureCall& call, const Meaning& meaning) {
  return Error(meaning.code,
               fmt::format(fmt::runtime(meaning.message), account_of(call), container_of(call), object_of(call)))
      .with_reason(std::string(meaning.reason))
      .with_remedy(std::string(meaning.remedy));
}

Error by_status(const AzureCall& call, const AzureRefusal& refusal, std::string_view azure_code) {
  const std::string said = first_line(xml_element(refusal.body, "Message").value_or(""));
  const auto make = [&](ErrorCode code, std::string_view fallback_reason) {
    return Error(code, fmt::format("Azure answered {}{}{}{}{}", refusal.status, azure_code.empty() ? "" : " ",
                                   to_valid_utf8(azure_code.substr(0, 64)), said.empty() ? "" : ": ", said))
        .with_reason(azure_code.empty() ? std::string(fallback_reason) : snake_case(azure_code));
  };
  if (is_out_of_space(refusal, azure_code)) {
    return make(ErrorCode::kOutOfSpace, "account_full").with_remedy(std::string(kFull));
  }
  const int status = refusal.status;
  if (status == 429) return make(ErrorCode::kRateLimited, "server_busy");
  if (status >= 500 || status == 408) return make(ErrorCode::kUnavailable, "server_error");
  if (!is_from_azure(refusal)) {
    return make(ErrorCode::kUnavailable, "unexpected_answer")
        .with_remedy("Check BlobEndpoint in AZURE_STORAGE_CONNECTION_STRING, and any proxy on the way.");
  }
  switch (status) {
    case 401:
      return make(ErrorCode::kUnauthenticated, "authentication_failed").with_remedy(std::string(kCredentials));
    case 403:
      return make(ErrorCode::kMisconfigured, "access_denied").with_remedy(std::string(kNetwork));
    case 404:
      return by_meaning(call, *std::find_if(kMeanings.begin(), kMeanings.end(),
                                            [](const Meaning& m) { return m.azure_code == "BlobNotFound"; }));
    case 412:
      return make(ErrorCode::kConflict, "changed_meanwhile");
    case 413:
      return make(ErrorCode::kTooLarge, "too_large");
    case 416:
      return make(ErrorCode::kInvalidArgument, "range_not_satisfiable");
    default:
      return status < 400 ? make(ErrorCode::kUnavailable, "unexpected_answer")
                          : make(ErrorCode::kInvalidArgument, "bad_request");
  }
}

// A header that only a setting of ours can have spoilt.
bool refuses_access_tier(const AzureRefusal& refusal, std::string_view code) {
  return code == "InvalidHeaderValue" &&
         equals_ignore_case(xml_element(refusal.body, "HeaderName").value_or(""), "x-ms-access-tier");
}

Error without_wait(const AzureCall& call, const AzureRefusal& refusal) {
  std::string code = azure_error_code(refusal);
  if (refuses_access_tier(refusal, code)) code = "InvalidBlobTier";
  // Azurite's word for a wrong signature; Azure's own for a closed door.
  const bool is_signature =
      xml_element(refusal.body, "Message").value_or("").starts_with("Server failed to authenticate");
  if (code == "AuthorizationFailure" && is_signature) code = "AuthenticationFailed";
  if (code == "AuthenticationFailed") {
    if (auto finer = finer_authentication_error(call, refusal)) return *std::move(finer);
  }
  const auto* const found = std::find_if(kMeanings.begin(), kMeanings.end(),
                                         [&](const Meaning& meaning) { return meaning.azure_code == code; });
  return found == kMeanings.end() ? by_status(call, refusal, code) : by_meaning(call, *found);
}

}  // namespace

std::string azure_error_code(const AzureRefusal& refusal) {
  std::string code = header_of(refusal.headers, "x-ms-error-code");
  return code.empty() ? xml_element(refusal.body, "Code").value_or("") : code;
}

Error azure_error(const AzureCall& call, const AzureRefusal& refusal) {
  Error error = without_wait(call, refusal);
  if (!error.is_transient()) return error;
  const auto wait = retry_after_of(refusal.headers, refusal.now);
  return wait ? std::move(error).with_retry_after(*wait) : error;
}

}  // namespace imgimport
