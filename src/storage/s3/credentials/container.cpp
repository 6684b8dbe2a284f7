#include "storage/s3/credentials/container.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "base/text.hpp"
#include "storage/s3/credentials/answers.hpp"
#include "storage/s3/credentials/shared_files.hpp"

namespace imgimport {
namespace {

constexpr std::string_view kEcsHost = "http://169.254.170.2";
constexpr std::size_t kMaxToken = 64u << 10;
constexpr std::size_t kMaxAnswer = 64u << 10;
constexpr std::chrono::milliseconds kConnectTime{2'000};
constexpr std::chrono::milliseconds kAnswerTime{5'000};

Error misconfigured(std::string message, std::string remedy) {
  return Error(ErrorCode::kMisconfigured, std::move(message))
      .with_reason("bad_container_credentials")
      .with_remedy(std::move(remedy));
}

bool is_plain_character(char c) {
  return static_cast<unsigned char>(c) > 0x20 && c != 0x7f && c != '\\';
}

// The host of "host[:port]"; nullopt where that is not what it is.
std::optional<std::string> host_of(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!port.empty() && port.front() != ':') return std::nullopt;
  } else if (const std::size_t colon = authority.find(':'); colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (!port.empty()) port.remove_prefix(1);
  const bool digits = std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  return !host.empty() && digits ? std::optional(std::string(host)) : std::nullopt;
}

bool is_allowed_host(const std::string& host) {
  if (equals_ignore_case(host, "localhost")) return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24) == 127 || host == "169.254.170.2" || host == "169.254.170.23";
  }
  in6_addr v6{};
  in6_addr eks{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  inet_pton(AF_INET6, "fd00:ec2::23", &eks);
  return IN6_IS_ADDR_LOOPBACK(&v6) || std::equal(std::begin(v6.s6_addr), std::end(v6.s6_addr), std::begin(eks.s6_addr));
}

Result<std::string> authorization(const EnvironmentLookup& environment) {
  std::string token;
  std::string_view origin = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
  if (const auto file = environment_value(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    origin = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    auto text = read_small_file(*file, kMaxToken);
    if (!text.has_value()) {
      return misconfigured(fmt::format("{}: the file {} cannot be read: {}", origin, *file, text.error().message()),
                           fmt::format("Let the user that imgimport runs as read {}.", *file));
    }
    token = trim(*text);
  } else {
    token = environment_value(environment, origin).value_or("");
  }
  // A header ends at the end of its line.
  const bool one_line =
      std::all_of(token.begin(), token.end(), [](char c) { return c != '\r' && c != '\n' && c != 0; });
  if (one_line) return token;
  return misconfigured(fmt::format("{} holds a token of more than one line", origin),
                       fmt::format("Set {} to what the container service gave out.", origin));
}

Error refused(int status, const std::string& host, std::string_view said) {
  std::string message =
      fmt::format("the container credentials service {} answered {}{}{}", host, status, said.empty() ? "" : ": ", said);
  if (status == 429) return Error(ErrorCode::kRateLimited, std::move(message)).with_reason("no_container_credentials");
  if (status >= 500) return Error(ErrorCode::kUnavailable, std::move(message)).with_reason("no_container_credentials");
  return Error(ErrorCode::kMisconfigured, std::move(message))
      .with_reason("no_container_credentials")
      .with_remedy(
          "Check that the task or the pod's service account has an IAM role; or set AWS_ACCESS_KEY_ID and "
          "AWS_SECRET_ACCESS_KEY.");
}

std::string host_in(std::string_view url) {
  const std::size_t begin = url.find("://");
  if (begin == std::string_view::npos) return {};
  url.remove_prefix(begin + 3);
  return std::string(url.substr(0, url.find_first_of("/?#")));
}

}  // namespace

bool is_allowed_container_url(std::string_view url) {
  const std::string lower = to_lower_ascii(url.substr(0, 8));
  const bool tls = lower == "https://";
  if (!tls && !lower.starts_with("http://")) return false;
  if (!std::all_of(url.begin(), url.end(), is_plain_character)) return false;
  const std::string authority = host_in(url);
  // "http://127.0.0.1@elsewhere/" leads elsewhere.
  if (authority.find('@') != std::string::npos) return false;
  const auto host = host_of(authority);
  return host && (tls || is_allowed_host(*host));
}

Result<std::optional<ContainerEndpoint>> container_endpoint(const EnvironmentLookup& environment) {
  ContainerEndpoint endpoint;
  if (const auto relative = environment_value(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
    if (!relative->starts_with('/') || !std::all_of(relative->begin(), relative->end(), is_plain_character)) {
      return misconfigured("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not a path that begins with /",
                           "Leave it as Amazon ECS sets it, or unset it.");
    }
    endpoint.url = std::string(kEcsHost) + *relative;
  } else if (auto full = environment_value(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    if (!is_allowed_container_url(*full)) {
      return misconfigured(
          "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither an https URL nor one of this machine",
          "Set it to an https:// URL, or to an http:// URL of localhost, 127.0.0.1, [::1], 169.254.170.2, "
          "169.254.170.23 or [fd00:ec2::23]; or unset it.");
    }
    endpoint.url = *std::move(full);
  } else {
    return std::optional<ContainerEndpoint>();
  }
  IMGIMPORT_ASSIGN_OR_RETURN(endpoint.authorization, authorization(environment));
  return std::optional(std::move(endpoint));
}

Result<AwsCredentials> credentials_from_container(const CallContext& context, const ContainerEndpoint& endpoint,
                                                  HttpClient& http) {
  const std::string host = host_in(endpoint.url);
  HttpClientRequest request;
  request.url = endpoint.url;
  request.headers.set("Accept", "application/json");
  if (!endpoint.authorization.empty()) request.headers.set("Authorization", endpoint.authorization);
  request.connect_timeout = kConnectTime;
  request.max_response_bytes = kMaxAnswer;
  auto answer = http.send(context.with_timeout(kAnswerTime), request);
  if (!answer.has_value()) {
    Error error = std::move(answer).error();
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    return Error(ErrorCode::kUnavailable,
                 fmt::format("the container credentials service {} cannot be asked: {}", host, error.message()))
        .with_reason("no_container_credentials");
  }
  auto document = parse_credentials_document(answer->body);
  if (answer->status != 200) {
    const std::string said =
        document.has_value() ? printable(document->message, {endpoint.authorization}) : std::string();
    return refused(answer->status, host, said);
  }
  if (document.has_value() && document->complete()) return std::move(document->credentials);
  return Error(ErrorCode::kUnavailable,
               fmt::format("the answer of the container credentials service {} holds no credentials", host))
      .with_reason("malformed_answer");
}

}  // namespace imgimport
