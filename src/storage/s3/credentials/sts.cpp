#include "storage/s3/credentials/sts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <initializer_list>
#include <utility>
#include <vector>

#include "base/http_date.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "storage/http_answer.hpp"
#include "storage/s3/credentials/answers.hpp"
#include "storage/s3/credentials/shared_files.hpp"
#include "storage/s3/sigv4.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kMaxToken = 64u << 10;
constexpr std::size_t kMaxAnswer = 256u << 10;
constexpr std::chrono::milliseconds kConnectTime{5'000};
constexpr std::chrono::milliseconds kAnswerTime{15'000};
constexpr std::string_view kFormType = "application/x-www-form-urlencoded; charset=utf-8";

using Form = std::vector<std::pair<std::string_view, std::string>>;

std::string encoded(const Form& form) {
  std::string text;
  for (const auto& [name, value] : form) {
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, percent_encode(value));
  }
  return text;
}

Form role_form(std::string_view action, const AwsRole& role, std::string session_name) {
  Form form{{"Action", std::string(action)},
            {"Version", "2011-06-15"},
            {"RoleArn", role.arn},
            {"RoleSessionName", std::move(session_name)}};
  if (!role.duration_seconds.empty()) form.emplace_back("DurationSeconds", role.duration_seconds);
  return form;
}

// The form as a POST: what proves who asks must not stand in a URL.
HttpClientRequest post(const std::string& endpoint, const Form& form) {
  HttpClientRequest request;
  request.method = HttpMethod::kPost;
  request.url = endpoint + "/";
  request.headers.set("Content-Type", std::string(kFormType));
  request.headers.set("Accept", "application/xml");
  request.body = encoded(form);
  request.connect_timeout = kConnectTime;
  request.max_response_bytes = kMaxAnswer;
  return request;
}

std::string_view without_scheme(std::string_view endpoint) {
  const std::size_t begin = endpoint.find("://");
  return begin == std::string_view::npos ? endpoint : endpoint.substr(begin + 3);
}

std::string_view host_of(std::string_view endpoint) {
  const std::string_view rest = without_scheme(endpoint);
  return rest.substr(0, rest.find('/'));
}

// As the Host header has it: without the port that is the scheme's own.
std::string_view signed_host_of(std::string_view endpoint) {
  std::string_view host = host_of(endpoint);
  const std::string_view own_port = endpoint.starts_with("https:") ? ":443" : ":80";
  if (host.ends_with(own_port)) host.remove_suffix(own_port.size());
  return host;
}

// With a slash at its end.
std::string path_of(std::string_view endpoint) {
  const std::string_view rest = without_scheme(endpoint);
  const std::size_t begin = rest.find('/');
  return fmt::format("{}/", begin == std::string_view::npos ? std::string_view() : rest.substr(begin));
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// What STS refused, for whom, and whose credentials or token it was shown.
struct Asked {
  std::string role_arn;     // printable
  std::string_view source;  // for messages
  std::string_view endpoint;
  std::vector<std::string_view> secrets;
};

Error transient(const Asked& asked, const HttpClientResponse& answer, std::string_view code, Timestamp now) {
  const bool throttled = answer.status == 429 || code.find("Throttl") != std::string_view::npos;
  Error error(throttled ? ErrorCode::kRateLimited : ErrorCode::kUnavailable,
              fmt::format("{} answered {}{}{} when asked for the role {}", host_of(asked.endpoint), answer.status,
                          code.empty() ? "" : " ", printable(code, asked.secrets), asked.role_arn));
  error = std::move(error).with_reason("no_role_credentials");
  const auto wait = retry_after_of(answer.headers, now);
  return wait ? std::move(error).with_retry_after(*wait) : error;
}

// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
std::string remedy_of(std::string_view code, const Asked& asked) {
  if (code == "AccessDenied") {
    return fmt::format("Let the trust policy of the role {} name who asks ({}), with the right audience and subject.",
                       asked.role_arn, asked.source);
  }
  if (is_one_of(code, {"ExpiredTokenException", "ExpiredToken"})) {
    return fmt::format("Renew {}.", asked.source);
  }
  if (code == "InvalidIdentityToken") {
    return "Create an IAM OpenID Connect provider for the token's issuer in the role's account, and check the token's "
           "audience.";
  }
  if (code == "RegionDisabledException") return "Activate STS in that region, or set AWS_REGION to another one.";
  if (is_one_of(code, {"SignatureDoesNotMatch", "InvalidClientTokenId", "IncompleteSignature"})) {
    return fmt::format("Check the access key and the secret key of {}, and this machine's clock.", asked.source);
  }
  return fmt::format("Check the role's ARN, its trust policy and {}.", asked.source);
}

Error refused(const Asked& asked, const HttpClientResponse& answer, Timestamp now) {
  const std::string code = xml_element(answer.body, "Code").value_or("");
  const bool passing = answer.status == 429 || answer.status >= 500 || code.empty() ||
                       is_one_of(code, {"IDPCommunicationError", "RequestTimeout", "InternalFailure"}) ||
                       code.find("Throttl") != std::string::npos;
  if (passing) return transient(asked, answer, code, now);
  // A refused signature is explained by what was signed, with the session token in it.
  const bool shows_request = is_one_of(code, {"SignatureDoesNotMatch", "IncompleteSignature"});
  const std::string said =
      shows_request ? std::string() : printable(xml_element(answer.body, "Message").value_or(""), asked.secrets);
  const bool unproven = is_one_of(code, {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId",
                                         "SignatureDoesNotMatch", "InvalidIdentityToken"});
  return Error(unproven ? ErrorCode::kUnauthenticated : ErrorCode::kMisconfigured,
               fmt::format("{} refuses the role {} to {}: {}{}{}", host_of(asked.endpoint), asked.role_arn,
                           asked.source, printable(code, asked.secrets), said.empty() ? "" : ": ", said))
      .with_reason("role_refused")
      .with_remedy(remedy_of(code, asked));
}

Result<AwsCredentials> exchange(const CallContext& context, HttpClient& http, const HttpClientRequest& request,
                                const Asked& asked, Timestamp now) {
  auto answer = http.send(context.with_timeout(kAnswerTime), request);
  if (!answer.has_value()) {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    return Error(ErrorCode::kUnavailable, fmt::format("{} cannot be asked for the role {}: {}", host_of(asked.endpoint),
                                                      asked.role_arn, std::move(answer).error().message()))
        .with_reason("no_role_credentials");
  }
  if (answer->status != 200) return refused(asked, *answer, now);
  auto credentials = parse_sts_credentials(answer->body);
  if (credentials.has_value()) return credentials;
  return std::move(credentials).error().with_context(fmt::format("asking {} for a role", host_of(asked.endpoint)));
}

}  // namespace

Result<std::string> sts_endpoint_of(std::string_view region) {
  const bool plain = !region.empty() && std::all_of(region.begin(), region.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!plain) {
    return Error(ErrorCode::kMisconfigured, fmt::format("\"{}\" is no name of an AWS region", printable(region)))
        .with_reason("bad_region")
        .with_remedy("Set AWS_REGION to the bucket's region, for example eu-central-1.");
  }
  // The partitions of AWS: https://docs.aws.amazon.com/general/latest/gr/sts.html
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kPartitions = {{{"cn-", "amazonaws.com.cn"},
                                                                                         {"us-isob-", "sc2s.sgov.gov"},
                                                                                         {"us-iso-", "c2s.ic.gov"},
                                                                                         {"eusc-", "amazonaws.eu"}}};
  if (region == "aws-global") return std::string("https://sts.amazonaws.com");
  const auto partition = std::find_if(kPartitions.begin(), kPartitions.end(),
                                      [&](const auto& candidate) { return region.starts_with(candidate.first); });
  return fmt::format("https://sts.{}.{}", region,
                     partition == kPartitions.end() ? std::string_view("amazonaws.com") : partition->second);
}

Sts::Sts(Options options, HttpClient& http, const Clock& clock)
    : options_(std::move(options)), http_(http), clock_(clock) {}

Result<std::string> Sts::endpoint() const {
  if (options_.endpoint.empty()) return sts_endpoint_of(options_.region);
  std::string endpoint = options_.endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint;
}

std::string Sts::session_name(const AwsRole& role) const {
  if (!role.session_name.empty()) return role.session_name;
  return fmt::format("imgimport-{}", clock_.now().time_since_epoch().count());
}

Result<AwsCredentials> Sts::assume_with_web_identity(const CallContext& context, const AwsRole& role,
                                                     const std::string& token_file) {
  auto text = read_small_file(token_file, kMaxToken);
  if (!text.has_value() || trim(*text).empty()) {
    return Error(ErrorCode::kMisconfigured, fmt::format("the web identity token file {} {}{}", token_file,
                                                        text.has_value() ? "is empty" : "cannot be read: ",
                                                        text.has_value() ? "" : std::move(text).error().message()))
        .with_reason("bad_web_identity_token")
        .with_remedy(
            "Check AWS_WEB_IDENTITY_TOKEN_FILE (or web_identity_token_file of the profile), and that the user "
            "that imgimport runs as may read the file.");
  }
  const std::string token(trim(*text));
  IMGIMPORT_ASSIGN_OR_RETURN(const std::string url, endpoint());
  Form form = role_form("AssumeRoleWithWebIdentity", role, session_name(role));
  form.emplace_back("WebIdentityToken", token);
  const std::string source = "the web identity token of " + token_file;
  const Asked asked{.role_arn = printable(role.arn), .source = source, .endpoint = url, .secrets = {token}};
  return exchange(context, http_, post(url, form), asked, clock_.now());
}

Result<AwsCredentials> Sts::assume(const CallContext& context, const AwsRole& role, const AwsCredentials& credentials,
                                   std::string_view source) {
  IMGIMPORT_ASSIGN_OR_RETURN(const std::string url, endpoint());
  Form form = role_form("AssumeRole", role, session_name(role));
  if (!role.external_id.empty()) form.emplace_back("ExternalId", role.external_id);
  HttpClientRequest request = post(url, form);
  const SigningScope scope{
      .credentials = credentials, .region = options_.region, .time = clock_.now(), .service = "sts"};
  const UnsignedRequest to_sign{.method = request.method,
                                .host = std::string(signed_host_of(url)),
                                .path = path_of(url),
                                .headers = request.headers,
                                .payload_hash = sha256_hex(request.body)};
  const HttpHeaders signature = sign_headers(scope, to_sign);
  for (const auto& [name, value] : signature.all()) request.headers.set(name, value);
  const Asked asked{.role_arn = printable(role.arn),
                    .source = source,
                    .endpoint = url,
                    .secrets = {credentials.secret_access_key, credentials.session_token}};
  return exchange(context, http_, request, asked, clock_.now());
}

}  // namespace imgimport
