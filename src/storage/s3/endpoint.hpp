// Where a bucket's objects are on the network. Pure.
#pragma once

#include <string>
#include <string_view>

#include "imgimport/result.hpp"

namespace imgimport {

struct S3Endpoint {
  std::string base_url;  // scheme and host, no path, no slash at its end: "https://bucket.s3.eu-west-1.amazonaws.com"
  std::string host;      // as in the Host header: with the port where it is not the scheme's own
  std::string path_prefix;  // "/bucket" in path style, with what the custom endpoint's own path says before; else empty
  bool is_aws = false;

  // Not encoded: what is signed.
  std::string path_of(std::string_view key) const;
};

struct S3Location {
  std::string bucket;
  std::string region;
  std::string endpoint_url;  // empty = AWS
};

// Virtual-host style on AWS; path style for custom endpoints, and on AWS for buckets whose dots no certificate covers.
// China's regions have a domain of their own.
// kMisconfigured: no bucket or region, names that none can have, an endpoint that is not an http(s) URL or that has a
// query or a user.
Result<S3Endpoint> s3_endpoint(const S3Location& location);

}  // namespace imgimport
