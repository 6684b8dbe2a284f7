#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>

#include "base/system_clock.hpp"
#include "http_client/curl_client.hpp"
#include "object_store_contract.hpp"
#include "storage/s3/s3_store.hpp"
#include "support/radosgw.hpp"

namespace imgimport {
namespace {

std::unique_ptr<ObjectStore> fresh_store(const Radosgw& server, const std::string& endpoint, HttpClient& http) {
  static const SystemClock clock;
  static std::atomic<int> count{0};
  S3Options options;
  options.bucket = "contract-" + std::to_string(++count);
  options.region = "us-east-1";
  options.endpoint_url = endpoint;
  server.create_bucket(options.bucket);
  auto credentials = std::make_unique<StaticAwsCredentials>(
      AwsCredentials{.access_key_id = server.access_key(), .secret_access_key = server.secret_key()});
  return S3Store::open(std::move(options), http, std::move(credentials), clock).value();
}

}  // namespace

TEST_CASE("S3Store keeps the contract of ObjectStore, against a real server", "[object_store][contract][s3]") {
  const Radosgw& server = Radosgw::shared();
  CurlHttpClient http({.ca = {}, .proxies = ProxyUse::kIgnore});
  contract::check_object_store([&] { return fresh_store(server, server.endpoint(), http); });
}

TEST_CASE("S3Store keeps the contract of ObjectStore, over TLS", "[object_store][contract][s3]") {
  const Radosgw& server = Radosgw::shared();
  CurlHttpClient http({.ca = {.file = server.ca_file(), .directory = {}}, .proxies = ProxyUse::kIgnore});
  contract::check_object_store([&] { return fresh_store(server, server.tls_endpoint(), http); });
}

}  // namespace imgimport
