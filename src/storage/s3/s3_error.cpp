#include "storage/s3/s3_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/http_date.hpp"
#include "base/text.hpp"
#include "storage/http_answer.hpp"

namespace imgimport {
namespace {

enum class Trouble : std::uint8_t {
  kUnknownKey = 1,
  kBadSignature,
  kExpiredToken,
  kInvalidToken,
  kAccount,
  kDenied,
  kNoBucket,
  kNoObject,
  kRegion,
  kClock,
  kRedirect,
  kStorageClass,
  kEncryption,
  kNotImplemented,
  kNotS3,
  kChecksum,
  kChecksumHeader,
  kFull,
  kSlowDown,
  kUnavailable,
  kBadRange,
  kBadKey,
  kTooLarge,
  kArchived,
  kPrecondition,
  kInvalidRequest,
};

constexpr std::chrono::minutes kSkewTaken{15};

struct Row {
  std::string_view code;
  Trouble trouble;
};

constexpr Row kCodes[] = {
    {"InvalidAccessKeyId", Trouble::kUnknownKey},
    {"SignatureDoesNotMatch", Trouble::kBadSignature},
    {"ExpiredToken", Trouble::kExpiredToken},
    {"TokenRefreshRequired", Trouble::kExpiredToken},
    {"InvalidToken", Trouble::kInvalidToken},
    {"AccountProblem", Trouble::kAccount},
    {"AllAccessDisabled", Trouble::kAccount},
    {"NotSignedUp", Trouble::kAccount},
    {"OptInRequired", Trouble::kAccount},
    {"UserSuspended", Trouble::kAccount},
    {"AccessDenied", Trouble::kDenied},
    {"KMS.AccessDeniedException", Trouble::kEncryption},
    {"KMS.DisabledException", Trouble::kEncryption},
    {"KMS.InvalidKeyUsageException", Trouble::kEncryption},
    {"KMS.KMSInvalidStateException", Trouble::kEncryption},
    {"KMS.NotFoundException", Trouble::kEncryption},
    {"InvalidEncryptionAlgorithmError", Trouble::kEncryption},
    {"ServerSideEncryptionConfigurationNotFoundError", Trouble::kEncryption},
    {"XMinioKMSNotConfigured", Trouble::kEncryption},
    {"NoSuchBucket", Trouble::kNoBucket},
    {"InvalidBucketName", Trouble::kNoBucket},
    {"NoSuchKey", Trouble::kNoObject},
    {"NoSuchVersion", Trouble::kNoObject},
    {"PermanentRedirect", Trouble::kRegion},
    {"AuthorizationHeaderMalformed", Trouble::kRegion},
    {"IllegalLocationConstraintException", Trouble::kRegion},
    {"IncorrectEndpoint", Trouble::kRegion},
    {"RequestTimeTooSkewed", Trouble::kClock},
    {"TemporaryRedirect", Trouble::kRedirect},
    {"Redirect", Trouble::kRedirect},
    {"InvalidStorageClass", Trouble::kStorageClass},
    {"NotImplemented", Trouble::kNotImplemented},
    {"BadDigest", Trouble::kChecksum},
    {"InvalidDigest", Trouble::kChecksum},
    {"XAmzContentSHA256Mismatch", Trouble::kChecksum},
    {"XAmzContentChecksumMismatch", Trouble::kChecksum},
    {"QuotaExceeded", Trouble::kFull},
    {"InsufficientStorage", Trouble::kFull},
    {"XMinioStorageFull", Trouble::kFull},
    {"XMinioAdminBucketQuotaExceeded", Trouble::kFull},
    {"StorageQuotaExceeded", Trouble::kFull},
    {"SlowDown", Trouble::kSlowDown},
    {"SlowDownRead", Trouble::kSlowDown},
    {"SlowDownWrite", Trouble::kSlowDown},
    {"Throttling", Trouble::kSlowDown},
    {"ThrottlingException", Trouble::kSlowDown},
    {"RequestLimitExceeded", Trouble::kSlowDown},
    {"RequestThrottled", Trouble::kSlowDown},
    {"TooManyRequests", Trouble::kSlowDown},
    {"BandwidthLimitExceeded", Trouble::kSlowDown},
    {"KMS.ThrottlingException", Trouble::kSlowDown},
    {"ServiceUnavailable", Trouble::kUnavailable},
    {"InternalError", Trouble::kUnavailable},
    {"RequestTimeout", Trouble::kUnavailable},
    {"IncompleteBody", Trouble::kUnavailable},
    {"OperationAborted", Trouble::kUnavailable},
    {"ConditionalRequestConflict", Trouble::kUnavailable},
    {"PriorRequestNotComplete", Trouble::kUnavailable},
    {"InvalidRange", Trouble::kBadRange},
    {"KeyTooLongError", Trouble::kBadKey},
    {"KeyTooLong", Trouble::kBadKey},
    {"InvalidObjectName", Trouble::kBadKey},
    {"XMinioInvalidObjectName", Trouble::kBadKey},
    {"InvalidURI", Trouble::kBadKey},
    {"EntityTooLarge", Trouble::kTooLarge},
    {"MaxMessageLengthExceeded", Trouble::kTooLarge},
    {"InvalidObjectState", Trouble::kArchived},
    {"PreconditionFailed", Trouble::kPrecondition},
};

std::optional<Trouble> by_code(std::string_view code) {
  const auto* const row =
      std::find_if(std::begin(kCodes), std::end(kCodes), [&](const Row& r) { return r.code == code; });
  if (row == std::end(kCodes)) return std::nullopt;
  return row->trouble;
}

// For HEAD, proxies, and codes nobody knows.
Trouble by_status(const S3Request& request, int status, bool has_code) {
  const bool may_lack_the_object = request.method != HttpMethod::kPut;
  switch (status) {
    case 400:
      if (request.method != HttpMethod::kHead) return has_code ? Trouble::kInvalidRequest : Trouble::kNotS3;
      // The only word of an expired token that a HEAD can bring.
      return request.temporary_key ? Trouble::kExpiredToken : Trouble::kInvalidRequest;
    case 301:
    case 302:
    case 307:
    case 308:
      return Trouble::kRedirect;
    case 401:
    case 403:
      return Trouble::kDenied;
    case 404:
      if (request.key.empty()) return Trouble::kNoBucket;
      return may_lack_the_object ? Trouble::kNoObject : Trouble::kNotS3;
    case 405:
      return has_code ? Trouble::kInvalidRequest : Trouble::kNotS3;
    case 408:
      return Trouble::kUnavailable;
    case 412:
      return Trouble::kPrecondition;
    case 413:
      return Trouble::kTooLarge;
    case 416:
      return Trouble::kBadRange;
    case 429:
      return Trouble::kSlowDown;
    case 501:
      return Trouble::kNotImplemented;
    case 507:
      return Trouble::kFull;
    default:
      break;
  }
  if (status >= 500) return Trouble::kUnavailable;
  return status >= 400 ? Trouble::kInvalidRequest : Trouble::kNotS3;
}

// "s3.eu-west-1.amazonaws.com", "bucket.s3-eu-west-1.amazonaws.com" → "eu-west-1".
std::string region_in_host(std::string_view host) {
  const std::size_t domain = host.find(".amazonaws.com");
  if (domain == std::string_view::npos) return {};
  host = host.substr(0, domain);
  for (const std::string_view mark : {"s3.", "s3-"}) {
    const std::size_t at = host.rfind(mark);
    if (at != std::string_view::npos && (at == 0 || host[at - 1] == '.')) {
      return std::string(host.substr(at + mark.size()));
    }
  }
  return {};
}

std::string host_of(std::string_view url) {
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const std::size_t user = url.rfind('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
  return to_valid_utf8(url.substr(0, 255));
}

// "20260102T030405Z" or RFC 3339.
std::optional<Timestamp> parse_amz_time(std::string_view text) {
  if (text.size() == 16 && text[8] == 'T' && text[15] == 'Z') {
    return from_rfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2),
                                    text.substr(9, 2), text.substr(11, 2), text.substr(13, 2)));
  }
  return from_rfc3339(text);
}

std::string verb_of(HttpMethod method) {
  switch (method) {
    case HttpMethod::kPut:
      return "write";
    case HttpMethod::kDelete:
      return "remove";
    default:
      return "read";
  }
}

// Builds the errors of one refusal.
class Sentence {
 public:
  Sentence(const S3Request& request, const S3Refusal& refusal)
      : request_(request), refusal_(refusal), code_(element("Code")), said_(shortened(element("Message"))) {}

  Trouble trouble() const {
    // A wrong region is told in a header where there is no body.
    if (code_.empty() && region_elsewhere() && (refusal_.status == 301 || refusal_.status == 400)) {
      return Trouble::kRegion;
    }
    const bool may_be_of_headers = code_ == "InvalidArgument" || code_ == "NotImplemented";
    if (may_be_of_headers && said_.find("x-amz-checksum") != std::string::npos) return Trouble::kChecksumHeader;
    if (const auto known = by_code(code_)) return *known;
    return by_status(request_, refusal_.status, !code_.empty());
  }

  Error error() const {
    switch (trouble()) {
      case Trouble::kUnknownKey:
      case Trouble::kBadSignature:
      case Trouble::kExpiredToken:
      case Trouble::kInvalidToken:
      case Trouble::kAccount:
        return of_credentials();
      case Trouble::kDenied:
        return denied();
      case Trouble::kRegion:
        return wrong_region();
      case Trouble::kClock:
        return clock_off();
      case Trouble::kRedirect:
        return redirected();
      case Trouble::kNoBucket:
      case Trouble::kStorageClass:
      case Trouble::kEncryption:
      case Trouble::kNotImplemented:
      case Trouble::kNotS3:
        return of_settings();
      case Trouble::kFull:
        return make(ErrorCode::kOutOfSpace, "quota_exceeded", fmt::format("the bucket {} is full", request_.bucket))
            .with_remedy(
                "Raise the quota of the bucket or its owner, or free space in it; then retry the job, or run the same "
                "import again.");
      case Trouble::kSlowDown:
        return in_time(make(ErrorCode::kRateLimited, "slow_down", place() + " asks for fewer requests"));
      case Trouble::kUnavailable:
        return in_time(make(ErrorCode::kUnavailable, unavailable_reason(),
                            fmt::format("{} failed to answer (status {})", place(), refusal_.status)));
      default:
        return of_object();
    }
  }

 private:
  std::string element(std::string_view name) const { return xml_element(refusal_.body, name).value_or(std::string()); }

  static std::string shortened(std::string text) {
    constexpr std::size_t kLongest = 300;
    if (text.size() > kLongest) text.resize(kLongest);
    return to_valid_utf8(text);
  }

  std::string place() const { return request_.custom_endpoint ? "S3 at " + host_of(request_.endpoint) : "S3"; }
  std::string key_id() const { return shortened_key_id(request_.access_key_id); }

  // "<sentence> (<Code>: <Message>)"
  Error make(ErrorCode error, std::string reason, std::string sentence) const {
    if (!code_.empty() && !said_.empty()) {
      sentence += fmt::format(" ({}: {})", shortened(code_), said_);
    } else if (!code_.empty()) {
      sentence += fmt::format(" ({})", shortened(code_));
    }
    return Error(error, std::move(sentence)).with_reason(std::move(reason));
  }

  Error in_time(Error error) const {
    const auto wait = retry_after_of(refusal_.headers, refusal_.now);
    return wait ? std::move(error).with_retry_after(*wait) : error;
  }

  std::string unavailable_reason() const {
    if (code_ == "RequestTimeout") return "request_timeout";
    if (code_ == "IncompleteBody") return "body_cut_short";
    // At fault once, not overloaded.
    if (refusal_.status == 500 || refusal_.status == 502) return "internal_error";
    return "store_unavailable";
  }

  Error of_credentials() const {
    switch (trouble()) {
      case Trouble::kUnknownKey:
        return make(ErrorCode::kUnauthenticated, "access_key_unknown",
                    fmt::format("{} does not know the access key {}", place(), key_id()))
            .with_remedy(
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that exists and is active there, and check "
                "AWS_ENDPOINT_URL_S3 if it is another S3 than Amazon's.");
      case Trouble::kBadSignature:
        return make(ErrorCode::kUnauthenticated, "signature_mismatch",
                    fmt::format("{} refused the signature made with the access key {}", place(), key_id()))
            .with_remedy(
                "Set AWS_SECRET_ACCESS_KEY to the secret that belongs to AWS_ACCESS_KEY_ID, whole and without quotes "
                "or spaces. If it is right, look for a proxy that changes the path or the Host header.");
      case Trouble::kAccount:
        return make(ErrorCode::kUnauthenticated, "account_problem",
                    fmt::format("{} does not serve the account of the access key {}", place(), key_id()))
            .with_remedy("Ask the account's owner to mend it, or set AWS_ACCESS_KEY_ID to a key of another account.");
      default:
        break;
    }
    const bool expired = trouble() == Trouble::kExpiredToken;
    return make(ErrorCode::kUnauthenticated, expired ? "token_expired" : "token_invalid",
                fmt::format("the session token of the access key {} {}", key_id(),
                            expired ? "has expired" : "is not one that S3 has given out"))
        .with_remedy(
            "Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN together to fresh ones, or let a "
            "profile or role provide them, which are renewed by themselves.");
  }

  Error denied() const {
    const std::string verb = verb_of(request_.method);
    const char* const action = request_.method == HttpMethod::kPut      ? "s3:PutObject"
                               : request_.method == HttpMethod::kDelete ? "s3:DeleteObject"
                                                                        : "s3:GetObject";
    std::string remedy =
        fmt::format("Allow it {} on arn:aws:s3:::{}/* in the policies of key and bucket", action, request_.bucket);
    if (request_.method == HttpMethod::kPut) {
      remedy += "; a bucket encrypted with a KMS key asks for kms:GenerateDataKey on that key as well.";
    } else if (request_.method == HttpMethod::kDelete) {
      remedy += ".";
    } else {
      remedy += fmt::format(
          "; without s3:ListBucket on arn:aws:s3:::{}, S3 answers the same for an object that is not there.",
          request_.bucket);
    }
    return make(ErrorCode::kMisconfigured, "access_denied",
                fmt::format("{} does not allow the access key {} to {} objects in the bucket {}", place(), key_id(),
                            verb, request_.bucket))
        .with_remedy(std::move(remedy));
  }

  // The region that the answer names, where it is another than the one set.
  std::optional<std::string> region_elsewhere() const {
    std::string region = element("Region");
    if (region.empty()) region = header_of(refusal_.headers, "x-amz-bucket-region");
    if (region.empty()) region = region_in_host(element("Endpoint"));
    if (region.empty()) region = region_in_host(host_of(header_of(refusal_.headers, "Location")));
    if (region.empty() || region == request_.region) return std::nullopt;
    return shortened(std::move(region));
  }

  Error wrong_region() const {
    if (const auto region = region_elsewhere()) {
      return make(
                 ErrorCode::kMisconfigured, "wrong_region",
                 fmt::format("the bucket {} is in the region {}, not in {}", request_.bucket, *region, request_.region))
          .with_remedy(fmt::format("Set AWS_REGION={}.", *region));
    }
    return make(ErrorCode::kMisconfigured, "wrong_region",
                fmt::format("the bucket {} is not in the region {}", request_.bucket, request_.region))
        .with_remedy(
            "Set AWS_REGION to the region of the bucket, as its properties show it; check AWS_ENDPOINT_URL_S3 too, if "
            "it is set.");
  }

  Error clock_off() const {
    const std::string remedy =
        "Set this machine's clock right (an NTP client keeps it so): S3 takes 15 minutes of difference.";
    auto server = parse_amz_time(element("ServerTime"));
    if (!server) server = parse_http_date(header_of(refusal_.headers, "Date"));
    if (!server) {
      return make(ErrorCode::kMisconfigured, "clock_off", "this machine's clock is too far off").with_remedy(remedy);
    }
    const auto ahead = std::chrono::duration_cast<std::chrono::seconds>(refusal_.now - *server);
    const auto minutes = std::chrono::round<std::chrono::minutes>(std::chrono::abs(ahead)).count();
    if (minutes < kSkewTaken.count() - 1) {
      return make(ErrorCode::kUnavailable, "signature_expired",
                  fmt::format("the request reached {} more than 15 minutes after it was signed", place()));
    }
    return make(ErrorCode::kMisconfigured, "clock_off",
                fmt::format("this machine's clock is {} minutes {} that of {}", minutes,
                            ahead.count() > 0 ? "ahead of" : "behind", place()))
        .with_remedy(remedy);
  }

  // Credentials go to no host but the one they were meant for.
  Error redirected() const {
    if (region_elsewhere() || (refusal_.status == 301 && !request_.custom_endpoint)) return wrong_region();
    std::string target = host_of(header_of(refusal_.headers, "Location"));
    if (target.empty()) target = host_of(element("Endpoint"));
    if (target.empty()) target = "another host";
    const std::string sentence = fmt::format("{} sends requests for the bucket {} on to {}, which is not followed",
                                             place(), request_.bucket, target);
    if (!request_.custom_endpoint) {
      return make(ErrorCode::kUnavailable, "redirected", sentence)
          .with_remedy("A new bucket is found by its region's address after some hours; check AWS_REGION meanwhile.");
    }
    return make(ErrorCode::kMisconfigured, "redirected", sentence)
        .with_remedy("Set AWS_ENDPOINT_URL_S3 to the address, with the right scheme, that serves S3 itself.");
  }

  Error of_settings() const {
    switch (trouble()) {
      case Trouble::kNoBucket:
        return make(ErrorCode::kMisconfigured, "no_such_bucket",
                    fmt::format("there is no bucket {} at {}", request_.bucket, host_of(request_.endpoint)))
            .with_remedy(
                "Create the bucket, or set AWS_BUCKET_NAME to one that exists; then retry the job, or run the same "
                "import again.");
      case Trouble::kStorageClass:
        return make(ErrorCode::kMisconfigured, "bad_storage_class", place() + " does not have the storage class")
            .with_remedy("Set STORAGE_CLASS to one that the bucket has, for example STANDARD_IA, or leave it empty.");
      case Trouble::kEncryption:
        return make(ErrorCode::kMisconfigured, "bad_encryption", place() + " cannot encrypt as it was asked to")
            .with_remedy(
                "Check STORAGE_ENCRYPTION and STORAGE_ENCRYPTION_KMS_ID: the key must exist in the bucket's region, be "
                "enabled, and allow this access key kms:GenerateDataKey and kms:Decrypt.");
      case Trouble::kNotImplemented:
        return make(ErrorCode::kMisconfigured, "not_implemented", place() + " does not have what the request asks for")
            .with_remedy("Leave STORAGE_CLASS and STORAGE_ENCRYPTION empty with this S3.");
      default:
        break;
    }
    return make(ErrorCode::kMisconfigured, "not_s3",
                fmt::format("{} answered with status {}, which S3 would not", host_of(request_.endpoint),
                            refusal_.status))
        .with_remedy(
            "Set AWS_ENDPOINT_URL_S3 to the address of an S3 API: not of its console, nor of a web site; with https:// "
            "where its port speaks HTTPS.");
  }

  Error of_object() const {
    const std::string status = fmt::format("status {}", refusal_.status);
    switch (trouble()) {
      case Trouble::kNoObject:
        return Error(ErrorCode::kNotFound, "there is no object " + request_.key).with_reason("no_such_object");
      case Trouble::kChecksum:
        return make(ErrorCode::kCorrupt, "checksum_mismatch",
                    fmt::format("{} refused the bytes: they do not have the promised checksum", place()));
      case Trouble::kChecksumHeader:
        return make(ErrorCode::kUnsupported, "checksum_header_unsupported", place() + " knows no checksum headers");
      case Trouble::kBadRange:
        return make(ErrorCode::kInvalidArgument, "range_not_satisfiable", "the range lies outside the object");
      case Trouble::kBadKey:
        return make(ErrorCode::kInvalidArgument, "bad_object_key", place() + " does not take the object's key");
      case Trouble::kTooLarge:
        return make(ErrorCode::kTooLarge, "too_large", "the object is larger than one upload to S3 may be");
      case Trouble::kArchived:
        return make(ErrorCode::kConflict, "archived", "the object lies in an archive class")
            .with_remedy("Restore the object in the bucket first, or choose a STORAGE_CLASS that can be read at once.");
      case Trouble::kPrecondition:
        return make(ErrorCode::kConflict, "precondition_failed", "the object has changed meanwhile");
      default:
        return make(ErrorCode::kInvalidArgument, "refused_by_store",
                    fmt::format("{} refused to {} the object with {}", place(), verb_of(request_.method), status));
    }
  }

  const S3Request& request_;
  const S3Refusal& refusal_;
  const std::string code_;
  const std::string said_;
};

}  // namespace

Error s3_error(const S3Request& request, const S3Refusal& refusal) {
  return Sentence(request, refusal).error();
}

bool wants_fresh_credentials(const Error& error) noexcept {
  return error.reason() == "token_expired" || error.reason() == "token_invalid";
}

bool wants_no_checksum_headers(const Error& error) noexcept {
  return error.reason() == "checksum_header_unsupported";
}

std::string shortened_key_id(std::string_view access_key_id) {
  constexpr std::size_t kShown = 4;
  if (access_key_id.size() <= 2 * kShown) return "that is set";
  return "…" + to_valid_utf8(access_key_id.substr(access_key_id.size() - kShown));
}

}  // namespace imgimport
