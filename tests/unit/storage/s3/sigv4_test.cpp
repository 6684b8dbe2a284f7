#include "storage/s3/sigv4.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace imgimport {
namespace {

// The keys and the moment of AWS's published examples:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
SigningScope example_scope() {
  return {.credentials = {.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                          .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
          .region = "us-east-1",
          .time = from_rfc3339("2013-05-24T00:00:00Z").value()};
}

UnsignedRequest example_get(std::string path) {
  UnsignedRequest request;
  request.host = "examplebucket.s3.amazonaws.com";
  request.path = std::move(path);
  request.payload_hash = std::string(kEmptyPayload);
  return request;
}

std::string part_of(const HttpHeaders& headers, std::string_view name) {
  const std::string authorization(headers.find("Authorization").value_or(""));
  const std::size_t begin = authorization.find(std::string(name) + "=");
  if (begin == std::string::npos) return {};
  const std::size_t value = begin + name.size() + 1;
  return authorization.substr(value, authorization.find(',', value) - value);
}

std::string signature_of(const UnsignedRequest& request) {
  return part_of(sign_headers(example_scope(), request), "Signature");
}

}  // namespace

TEST_CASE("AWS's example of a PUT with a dollar in its key has the published signature", "[s3][sigv4]") {
  UnsignedRequest request = example_get("/test$file.text");
  request.method = HttpMethod::kPut;
  request.headers.set("Date", "Fri, 24 May 2013 00:00:00 GMT");
  request.headers.set("x-amz-storage-class", "REDUCED_REDUNDANCY");
  request.payload_hash = sha256_hex("Welcome to Amazon S3.");
  CHECK(request.payload_hash == "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  const HttpHeaders added = sign_headers(example_scope(), request);
  CHECK(part_of(added, "Signature") == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  CHECK(part_of(added, "SignedHeaders") == "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class");
  CHECK(part_of(added, "Credential") == "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request");
  CHECK(added.find("x-amz-date") == "20130524T000000Z");
  CHECK(added.find("x-amz-content-sha256") == request.payload_hash);
}

TEST_CASE("AWS's example of a GET with a range has the published signature", "[s3][sigv4]") {
  UnsignedRequest request = example_get("/test.txt");
  request.headers.set("Range", "bytes=0-9");
  CHECK(signature_of(request) == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_CASE("AWS's examples of queries on a bucket have the published signatures", "[s3][sigv4]") {
  UnsignedRequest lifecycle = example_get("");
  lifecycle.query = {{"lifecycle", ""}};
  CHECK(signature_of(lifecycle) == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  UnsignedRequest listing = example_get("/");
  listing.query = {{"prefix", "J"}, {"max-keys", "2"}};
  CHECK(signature_of(listing) == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_CASE("AWS's example of a presigned GET has the published query", "[s3][sigv4]") {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
  UnsignedRequest request = example_get("/test.txt");
  request.payload_hash = std::string(kUnsignedPayload);
  CHECK(presign_query(example_scope(), request, std::chrono::hours(24)) ==
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
        "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_CASE("the life of a presigned URL is cut to what S3 takes", "[s3][sigv4]") {
  const UnsignedRequest request = example_get("/a");
  const auto query = [&](std::chrono::seconds life) { return presign_query(example_scope(), request, life); };
  CHECK(query(std::chrono::hours(24 * 30)).find("X-Amz-Expires=604800&") != std::string::npos);
  CHECK(query(std::chrono::seconds(-5)).find("X-Amz-Expires=1&") != std::string::npos);
}

TEST_CASE("a session token is signed and sent, as a header and in a query", "[s3][sigv4]") {
  SigningScope scope = example_scope();
  const UnsignedRequest request = example_get("/test.txt");
  CHECK_FALSE(sign_headers(scope, request).find("x-amz-security-token").has_value());
  scope.credentials.session_token = "to/ken+==";
  const HttpHeaders added = sign_headers(scope, request);
  CHECK(added.find("x-amz-security-token") == "to/ken+==");
  CHECK(part_of(added, "SignedHeaders") == "host;x-amz-content-sha256;x-amz-date;x-amz-security-token");
  const std::string query = presign_query(scope, request, std::chrono::minutes(5));
  CHECK(query.find("&X-Amz-Security-Token=to%2Fken%2B%3D%3D&X-Amz-SignedHeaders=host&") != std::string::npos);
}

TEST_CASE("a path is encoded once, and keeps its slashes", "[s3][sigv4]") {
  CHECK(canonical_path("") == "/");
  CHECK(canonical_path("/") == "/");
  CHECK(canonical_path("/a b+(c)!'*~.-_/ü%20") == "/a%20b%2B%28c%29%21%27%2A~.-_/%C3%BC%2520");
  CHECK(canonical_path("/$&,;=:@?#[]\"<>^`{|}") == "/%24%26%2C%3B%3D%3A%40%3F%23%5B%5D%22%3C%3E%5E%60%7B%7C%7D");
  // No segment is special in S3.
  CHECK(canonical_path("/a/../b/./c//d") == "/a/../b/./c//d");
}

TEST_CASE("a query is sorted as it stands encoded, names first and then values", "[s3][sigv4]") {
  CHECK(canonical_query({}).empty());
  CHECK(canonical_query({{"b", "2"}, {"a", "2"}, {"a", "1"}, {"acl", ""}, {"A", "x y"}}) == "A=x%20y&a=1&a=2&acl=&b=2");
  CHECK(canonical_query({{"p", "a/b"}, {"p", "a+b"}, {"p", "ü"}}) == "p=%C3%BC&p=a%2Bb&p=a%2Fb");
  // "é" is %C3%A9 and sorts before "z" encoded, though not as bytes.
  CHECK(canonical_query({{"z", ""}, {"é", ""}}) == "%C3%A9=&z=");
}

TEST_CASE("headers are signed in lower case, sorted, with their spaces collapsed and equal names joined",
          "[s3][sigv4]") {
  UnsignedRequest request = example_get("/k");
  request.headers.add("X-Amz-Meta-B", "  two   spaces  ");
  request.headers.add("x-amz-meta-a", "first");
  request.headers.add("X-Amz-Meta-A", "second");
  request.headers.add("Content-Type", "image/jpeg");
  CHECK(canonical_request(request) ==
        "GET\n/k\n\ncontent-type:image/jpeg\nhost:examplebucket.s3.amazonaws.com\nx-amz-meta-a:first,second\n"
        "x-amz-meta-b:two spaces\n\ncontent-type;host;x-amz-meta-a;x-amz-meta-b\n" +
            std::string(kEmptyPayload));
}

TEST_CASE("times are written without a fraction, in UTC", "[s3][sigv4]") {
  CHECK(amz_date(from_rfc3339("2026-01-02T03:04:05.999Z").value()) == "20260102T030405Z");
  CHECK(amz_date(from_rfc3339("2026-12-31T23:59:59-01:00").value()) == "20270101T005959Z");
}

TEST_CASE("whatever is signed changes the signature", "[s3][sigv4]") {
  const UnsignedRequest plain = example_get("/test.txt");
  const std::string signature = signature_of(plain);
  UnsignedRequest other = plain;
  other.path = "/test.txT";
  CHECK(signature_of(other) != signature);
  other = plain;
  other.method = HttpMethod::kHead;
  CHECK(signature_of(other) != signature);
  other = plain;
  other.host = "otherbucket.s3.amazonaws.com";
  CHECK(signature_of(other) != signature);
  other = plain;
  other.payload_hash = std::string(kUnsignedPayload);
  CHECK(signature_of(other) != signature);
  other = plain;
  other.headers.set("Content-Length", "5");
  CHECK(signature_of(other) != signature);
  SigningScope scope = example_scope();
  scope.region = "us-east-2";
  CHECK(part_of(sign_headers(scope, plain), "Signature") != signature);
}

}  // namespace imgimport
