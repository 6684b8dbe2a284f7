// Credentials of a container's role: Amazon ECS tasks, EKS Pod Identity, Greengrass.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "imgimport/call_context.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/result.hpp"
#include "storage/s3/aws_credentials.hpp"
#include "storage/s3/credentials/environment.hpp"

namespace imgimport {

// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI at 169.254.170.2, else AWS_CONTAINER_CREDENTIALS_FULL_URI; nullopt: neither is
// set. The authorization header's value comes from the file AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, else from
// AWS_CONTAINER_AUTHORIZATION_TOKEN.
// kMisconfigured: a URL that the token must not be sent to, or a token that cannot be read.
struct ContainerEndpoint {
  std::string url;
  std::string authorization;  // secret; empty = none
};
Result<std::optional<ContainerEndpoint>> container_endpoint(const EnvironmentLookup& environment);

// Whether credentials may be asked for there: any place over TLS; else only this machine, and the addresses of ECS and
// EKS. Names are not resolved; "localhost" is this machine. Pure.
bool is_allowed_container_url(std::string_view url);

// kMisconfigured: the service refuses; kUnavailable: it does not answer, or not now; kRateLimited.
Result<AwsCredentials> credentials_from_container(const CallContext& context, const ContainerEndpoint& endpoint,
                                                  HttpClient& http);

}  // namespace imgimport
