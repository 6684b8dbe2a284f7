#include "http_client/redact.hpp"

#include <catch2/catch.hpp>

#include "http_client/origin.hpp"

namespace imgimport {
namespace {

TEST_CASE("secrets in query parameters and URLs are blotted out, the rest stays", "[http_client]") {
  CHECK(redact_secrets("GET https://h/p?alt=media&key=AIzaXYZ&x=1 failed") ==
        "GET https://h/p?alt=media&key=***&x=1 failed");
  CHECK(redact_secrets("?key=a") == "?key=***");
  CHECK(redact_secrets("a?SIG=b%2Bc#f") == "a?SIG=***#f");
  CHECK(redact_secrets("?X-Amz-Signature=abc&X-Amz-Expires=5") == "?X-Amz-Signature=***&X-Amz-Expires=5");
  CHECK(redact_secrets("url '/x?access_token=ya29.a' here") == "url '/x?access_token=***' here");
  CHECK(redact_secrets("monkey=banana&resourcekey=0-x") == "monkey=banana&resourcekey=0-x");
  CHECK(redact_secrets("proxy http://me:pw@proxy:3128/ refused") == "proxy http://***@proxy:3128/ refused");
  CHECK(redact_secrets("mail a@b.c and 1=1") == "mail a@b.c and 1=1");
  CHECK(redact_secrets("") == "");
  CHECK(redact_secrets("key=") == "key=***");
}

TEST_CASE("an origin is scheme, host and port, without the user", "[http_client]") {
  CHECK(origin_of("https://Www.Example.com/a?b")->key == "https://www.example.com:443");
  CHECK(origin_of("HTTP://h:81#x")->key == "http://h:81");
  CHECK(origin_of("http://u:p@h/")->host_port == "h:80");
  CHECK(origin_of("http://[::1]/")->key == "http://[::1]:80");
  CHECK(origin_of("http://[::1]:8080/")->key == "http://[::1]:8080");
  CHECK(origin_of("ws://h/").error().code() == ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace imgimport
