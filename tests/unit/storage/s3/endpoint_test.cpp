#include "storage/s3/endpoint.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace imgimport {
namespace {

S3Endpoint endpoint_of(const std::string& bucket, const std::string& region, const std::string& url = "") {
  return s3_endpoint({.bucket = bucket, .region = region, .endpoint_url = url}).value();
}

std::string refusal_of(const S3Location& location) {
  const auto endpoint = s3_endpoint(location);
  if (endpoint.has_value()) return {};
  CHECK(endpoint.error().code() == ErrorCode::kMisconfigured);
  CHECK_FALSE(endpoint.error().remedy().empty());
  return endpoint.error().reason();
}

}  // namespace

TEST_CASE("on AWS a bucket is a host of its own, in its region", "[s3][endpoint]") {
  const S3Endpoint endpoint = endpoint_of("my-images", "eu-west-1");
  CHECK(endpoint.base_url == "https://my-images.s3.eu-west-1.amazonaws.com");
  CHECK(endpoint.host == "my-images.s3.eu-west-1.amazonaws.com");
  CHECK(endpoint.path_of("a/b c.jpg") == "/a/b c.jpg");
  CHECK(endpoint.is_aws);
  CHECK(endpoint_of("b", "us-east-1").host == "b.s3.us-east-1.amazonaws.com");
  CHECK(endpoint_of("b", "cn-north-1").host == "b.s3.cn-north-1.amazonaws.com.cn");
  CHECK(endpoint_of("b", "us-gov-west-1").host == "b.s3.us-gov-west-1.amazonaws.com");
}

TEST_CASE("a bucket whose name is no label of a host is part of the path", "[s3][endpoint]") {
  for (const std::string bucket : {"images.example.com", "Old_Bucket"}) {
    const S3Endpoint endpoint = endpoint_of(bucket, "eu-west-1");
    CHECK(endpoint.base_url == "https://s3.eu-west-1.amazonaws.com");
    CHECK(endpoint.path_of("k") == "/" + bucket + "/k");
  }
}

TEST_CASE("another S3 is reached by its own host, the bucket in the path", "[s3][endpoint]") {
  const S3Endpoint minio = endpoint_of("images", "us-east-1", "http://127.0.0.1:9000");
  CHECK(minio.base_url == "http://127.0.0.1:9000");
  CHECK(minio.host == "127.0.0.1:9000");
  CHECK(minio.path_of("k") == "/images/k");
  CHECK_FALSE(minio.is_aws);
  CHECK(endpoint_of("b", "auto", "https://acct.r2.cloudflarestorage.com/").base_url ==
        "https://acct.r2.cloudflarestorage.com");
  CHECK(endpoint_of("b", "r", "https://h/s3/api//").path_of("k") == "/s3/api/b/k");
  CHECK(endpoint_of("b", "r", "http://[::1]:9000").host == "[::1]:9000");
}

TEST_CASE("a scheme's own port is no part of the Host header", "[s3][endpoint]") {
  CHECK(endpoint_of("b", "r", "https://Example.com:443").host == "example.com");
  CHECK(endpoint_of("b", "r", "http://example.com:80/").host == "example.com");
  CHECK(endpoint_of("b", "r", "HTTP://example.com:443").host == "example.com:443");
}

TEST_CASE("names that cannot be are refused with the setting to mend", "[s3][endpoint]") {
  CHECK(refusal_of({.bucket = "", .region = "r", .endpoint_url = {}}) == "no_bucket");
  for (const std::string bad : {"s3://images", "images/2026", "a b", "..", "a\nb", "b?x", "b@h"}) {
    CAPTURE(bad);
    CHECK(refusal_of({.bucket = bad, .region = "r", .endpoint_url = {}}) == "bad_bucket_name");
  }
  for (const std::string bad : {"", "eu west", "eu-west-1.evil.example", "a/b"}) {
    CAPTURE(bad);
    CHECK(refusal_of({.bucket = "b", .region = bad, .endpoint_url = {}}) == "bad_region");
  }
  for (const std::string bad : {"127.0.0.1:9000", "ftp://h", "https://", "https:///x", "https://h?x=1", "https://h#x",
                                "https://user:secret@h", "https://h /"}) {
    CAPTURE(bad);
    CHECK(refusal_of({.bucket = "b", .region = "r", .endpoint_url = bad}) == "bad_endpoint_url");
  }
}

}  // namespace imgimport
