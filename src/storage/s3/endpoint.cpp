#include "storage/s3/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace imgimport {
namespace {

Error misconfigured(std::string message, std::string reason, std::string remedy) {
  return Error(ErrorCode::kMisconfigured, std::move(message))
      .with_reason(std::move(reason))
      .with_remedy(std::move(remedy));
}

bool consists_of(std::string_view text, std::string_view allowed_symbols) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           allowed_symbols.find(c) != std::string_view::npos;
  });
}

// What goes into host names and paths must not break out of them; whether such a bucket exists is the server's to say.
Result<void> check_names(const S3Location& location) {
  if (location.bucket.empty()) {
    return misconfigured("no bucket is named", "no_bucket",
                         "Set AWS_BUCKET_NAME to the bucket that the images go into.");
  }
  if (location.bucket.size() > 255 || !consists_of(location.bucket, "-._") || location.bucket.starts_with('.')) {
    return misconfigured(fmt::format("\"{}\" is not the name of a bucket", to_valid_utf8(location.bucket)),
                         "bad_bucket_name",
                         "Set AWS_BUCKET_NAME to the bare name of the bucket: no URL, no s3:// before it, no path.");
  }
  if (location.region.empty() || !consists_of(location.region, "-_")) {
    return misconfigured(fmt::format("\"{}\" is not a region", to_valid_utf8(location.region)), "bad_region",
                         "Set AWS_REGION to the bucket's region, for example eu-west-1.");
  }
  return {};
}

std::string_view aws_domain(std::string_view region) {
  return region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

// A dot in the bucket's name makes a label that "*.s3.region.amazonaws.com" does not cover; capitals and underscores
// are no part of a host name.
bool fits_into_a_host_name(std::string_view bucket) {
  return bucket.size() <= 63 && std::all_of(bucket.begin(), bucket.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

S3Endpoint aws_endpoint(const S3Location& location) {
  S3Endpoint endpoint;
  endpoint.is_aws = true;
  const std::string regional = fmt::format("s3.{}.{}", location.region, aws_domain(location.region));
  if (fits_into_a_host_name(location.bucket)) {
    endpoint.host = location.bucket + "." + regional;
  } else {
    endpoint.host = regional;
    endpoint.path_prefix = "/" + location.bucket;
  }
  endpoint.base_url = "https://" + endpoint.host;
  return endpoint;
}

Result<S3Endpoint> custom_endpoint(const S3Location& location) {
  const auto refused = [&] {
    return misconfigured("the S3 endpoint is not an http or https URL of a host, a port and perhaps a path",
                         "bad_endpoint_url",
                         "Set AWS_ENDPOINT_URL_S3 to the like of https://minio.example.com:9000, without the bucket.");
  };
  const std::string& url = location.endpoint_url;
  const std::size_t colon = url.find("://");
  if (colon == std::string::npos || url.find_first_of("?#@% \t\r\n") != std::string::npos) return refused();
  const std::string scheme = to_lower_ascii(std::string_view(url).substr(0, colon));
  if (scheme != "http" && scheme != "https") return refused();
  const std::string_view rest = std::string_view(url).substr(colon + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string host = to_lower_ascii(rest.substr(0, slash));
  std::string_view path = rest.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  // The client leaves a scheme's own port out of the Host header, and so must the signature.
  const std::string_view own_port = scheme == "https" ? ":443" : ":80";
  if (host.ends_with(own_port)) host.resize(host.size() - own_port.size());
  if (host.empty()) return refused();
  S3Endpoint endpoint;
  endpoint.base_url = scheme + "://" + host;
  endpoint.host = std::move(host);
  endpoint.path_prefix = fmt::format("{}/{}", path, location.bucket);
  return endpoint;
}

}  // namespace

std::string S3Endpoint::path_of(std::string_view key) const {
  return fmt::format("{}/{}", path_prefix, key);
}

Result<S3Endpoint> s3_endpoint(const S3Location& location) {
  IMGIMPORT_RETURN_IF_ERROR(check_names(location));
  if (!location.endpoint_url.empty()) return custom_endpoint(location);
  return aws_endpoint(location);
}

}  // namespace imgimport
