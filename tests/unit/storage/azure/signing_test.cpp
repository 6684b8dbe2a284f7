// Signatures of Azure Storage. Expected values: what Microsoft's own client for Node (@azure/storage-blob 12.32) sends
// with the key below, and the string to sign that Microsoft's documentation shows.
#include <catch2/catch.hpp>
#include <string>

#include "base/http_date.hpp"
#include "storage/azure/azure_request.hpp"
#include "storage/azure/sas.hpp"
#include "storage/azure/shared_key.hpp"
#include "storage/http_answer.hpp"

namespace imgimport {
namespace {

constexpr const char* kKey = "imgimport-test-key-0123456789abcdef";
constexpr const char* kEncodedBlob = "photos/1AbC/a%20b%2B%C3%BC%25%23%3F.jpg";
constexpr const char* kBlob = "photos/1AbC/a b+\u00fc%#?.jpg";

AzureAccount account(const std::string& endpoint = "https://myaccount.blob.core.windows.net") {
  return {.name = "myaccount", .endpoint = endpoint, .key = kKey};
}

HttpHeaders headers(std::initializer_list<std::pair<const char*, const char*>> fields) {
  HttpHeaders all;
  for (const auto& [name, value] : fields) all.set(name, value);
  return all;
}

// As that client sends them to an emulator at 127.0.0.1.
std::string signature_of_client(std::string_view method, const AzureQuery& query, HttpHeaders sent,
                                std::uint64_t length) {
  sent.set("x-ms-date", "Mon, 23 Nov 2026 23:43:49 GMT");
  sent.set("x-ms-version", "2026-04-06");
  return azure_authorization(account(), {.method = method,
                                         .encoded_path = std::string("/myaccount/images/") + kEncodedBlob,
                                         .query = query,
                                         .headers = sent,
                                         .content_length_bytes = length});
}

}  // namespace

TEST_CASE("the string to sign is the one of Microsoft's documentation", "[azure]") {
  const AzureQuery query = {{"restype", "container"}, {"comp", "metadata"}, {"timeout", "20"}};
  const HttpHeaders sent = headers({{"x-ms-version", "2015-02-21"}, {"X-Ms-Date", "Fri, 26 Jun 2015 23:39:12 GMT"}});
  CHECK(azure_string_to_sign("myaccount",
                             {.method = "GET", .encoded_path = "/mycontainer", .query = query, .headers = sent}) ==
        "GET\n\n\n\n\n\n\n\n\n\n\n\n"
        "x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
        "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20");
}

TEST_CASE("standard headers have their places in the string to sign", "[azure]") {
  const HttpHeaders sent = headers({{"Content-Type", "image/jpeg"},
                                    {"Content-MD5", " md5 "},
                                    {"Range", "bytes=0-1"},
                                    {"If-Match", "\"e\""},
                                    {"Date", "never signed beside x-ms-date"},
                                    {"Accept", "is not signed"},
                                    {"x-ms-date", "now"}});
  const AzureQuery query = {{"b", "2"}, {"a", "y"}, {"A", "x"}};
  CHECK(azure_string_to_sign("acct", {.method = "PUT",
                                      .encoded_path = "/acct/c/b%20c",
                                      .query = query,
                                      .headers = sent,
                                      .content_length_bytes = 11}) ==
        "PUT\n\n\n11\nmd5\nimage/jpeg\n\n\n\"e\"\n\n\nbytes=0-1\nx-ms-date:now\n/acct/acct/c/b%20c\na:x,y\nb:2");
}

TEST_CASE("requests are signed as Microsoft's client signs them", "[azure]") {
  CHECK(signature_of_client(
            "PUT", {},
            headers({{"Content-Type", "application/octet-stream"},
                     {"x-ms-access-tier", "Cool"},
                     {"x-ms-blob-content-md5", "XUFAKrxLKna5cZ2REBfFkg=="},
                     {"x-ms-blob-content-type", "image/jpeg"},
                     {"x-ms-blob-type", "BlockBlob"},
                     {"x-ms-client-request-id", "d71a4156-3e0e-4921-ab1c-5a66e3e7dea7"},
                     {"x-ms-meta-sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}}),
            5) == "SharedKey myaccount:SmSU+rtOn3aYuIVcHb2BtaLBElo75DOSzfqY4n5I4+w=");
  CHECK(signature_of_client("PUT", {{"comp", "block"}, {"blockid", "QUFBQQ=="}},
                            headers({{"Content-Type", "application/octet-stream"},
                                     {"x-ms-client-request-id", "ec658002-942e-4c72-8ad9-96ef93dc9213"}}),
                            5) == "SharedKey myaccount:gBPU+bkP2S0wkgKZd+xOhYHcIwIGSNTi28ScSZaPQZI=");
  CHECK(signature_of_client("PUT", {{"comp", "blocklist"}},
                            headers({{"Content-Type", "application/xml"},
                                     {"x-ms-client-request-id", "b8d7b46c-19c8-4a08-812b-babef0ab3461"}}),
                            103) == "SharedKey myaccount:/D1MpSgmjNSa8nEL200YSRypPghPKL/PshU5eW8i0K4=");
  CHECK(signature_of_client(
            "GET", {},
            headers({{"x-ms-client-request-id", "4b17dedc-e95a-4fdc-9eb5-5b7fed615148"}, {"x-ms-range", "bytes=2-4"}}),
            0) == "SharedKey myaccount:MknkAqRxzJVSLw42P3oCR0vFc25pGmnF8WlGUZspsMI=");
  CHECK(signature_of_client("DELETE", {},
                            headers({{"x-ms-client-request-id", "46b9cd99-f558-4cd0-a0b9-754ac5109235"},
                                     {"x-ms-delete-snapshots", "include"}}),
                            0) == "SharedKey myaccount:Bb4pUOP+0OW/nbk0D3givsm69BgoA6tB82farlRP/QA=");
}

TEST_CASE("a shared access signature is the one that Microsoft's client makes", "[azure]") {
  CHECK(make_blob_sas(account(), {.container = "images",
                                  .blob = kBlob,
                                  .permissions = "cw",
                                  .expires_at = *parse_http_date("Fri, 02 Jan 2026 03:19:05 GMT")}) ==
        "sv=2021-12-02&spr=https&se=2026-01-02T03%3A19%3A05Z&sr=b&sp=cw&"
        "sig=4rCFMIR5EV4TBA0tPsxjHoGXsdMWxjVQ88Zcs%2BPzwgc%3D");
  CHECK(make_blob_sas(account("http://127.0.0.1:10000/myaccount"),
                      {.container = "images",
                       .blob = "photos/1AbC/x.jpg",
                       .permissions = "r",
                       .expires_at = *parse_http_date("Fri, 02 Jan 2026 03:09:05 GMT") + std::chrono::milliseconds(7),
                       .content_disposition = "attachment; filename=\"x y.jpg\"",
                       .content_type = "image/jpeg"}) ==
        "sv=2021-12-02&spr=https%2Chttp&se=2026-01-02T03%3A09%3A05Z&sr=b&sp=r&"
        "rscd=attachment%3B%20filename%3D%22x%20y.jpg%22&rsct=image%2Fjpeg&"
        "sig=SK8mmtPf49uT5xXDzKdUFkwTLTJe5UUi%2F8c%2BOUQ3Q%2Bg%3D");
}

TEST_CASE("a request with a key is dated and signed, one with a signature carries it in its query", "[azure]") {
  const Timestamp now = *parse_http_date("Fri, 02 Jan 2026 03:04:05 GMT");
  AzureRequest request{.method = HttpMethod::kPut, .container = "images", .blob = kBlob};
  request.query = {{"comp", "block"}, {"blockid", "QUFBQQ=="}};
  const HttpClientRequest by_key = make_azure_request(account(), request, now);
  CHECK(by_key.url == std::string("https://myaccount.blob.core.windows.net/images/") + kEncodedBlob +
                          "?comp=block&blockid=QUFBQQ%3D%3D");
  CHECK(by_key.headers.find("x-ms-date") == "Fri, 02 Jan 2026 03:04:05 GMT");
  CHECK(by_key.headers.find("x-ms-version") == kAzureVersion);
  CHECK(by_key.headers.find("Authorization").value_or("").starts_with("SharedKey myaccount:"));

  AzureAccount by_signature = account();
  by_signature.key.clear();
  by_signature.sas = "sv=1&sig=a%3D";
  const HttpClientRequest signed_url = make_azure_request(by_signature, request, now);
  CHECK(signed_url.url == by_key.url + "&sv=1&sig=a%3D");
  CHECK_FALSE(signed_url.headers.find("Authorization").has_value());
  request.query.clear();
  CHECK(make_azure_request(by_signature, request, now).url.ends_with(".jpg?sv=1&sig=a%3D"));
  CHECK(azure_url(account(), "images", "") == "https://myaccount.blob.core.windows.net/images");
}

}  // namespace imgimport
