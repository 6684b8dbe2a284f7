#include "storage/azure/connection_string.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace imgimport {
namespace {

// "key", in Base64.
constexpr const char* kKey = "AccountKey=a2V5";

AzureAccount parsed(const std::string& text) {
  CAPTURE(text);
  auto account = parse_azure_connection_string(text);
  if (!account.has_value()) FAIL(account.error().message());
  return *account;
}

std::string endpoint(const std::string& text) {
  return parsed(text).endpoint;
}

Error refused(const std::string& text) {
  CAPTURE(text);
  const auto account = parse_azure_connection_string(text);
  REQUIRE_FALSE(account.has_value());
  return account.error();
}

}  // namespace

TEST_CASE("a connection string as the portal gives it is read", "[azure]") {
  const AzureAccount account =
      parsed("DefaultEndpointsProtocol=https;AccountName=photos;AccountKey=a2V5cw==;EndpointSuffix=core.windows.net");
  CHECK(account.name == "photos");
  CHECK(account.endpoint == "https://photos.blob.core.windows.net");
  CHECK(account.key == "keys");
  CHECK(account.has_key());
  CHECK(account.uses_tls());
  CHECK(account.title() == "photos");
}

TEST_CASE("an endpoint is made of protocol, account and suffix, or given", "[azure]") {
  const std::string account = std::string("AccountName=photos;") + kKey;
  CHECK(endpoint(account) == "https://photos.blob.core.windows.net");
  CHECK(endpoint(account + ";DefaultEndpointsProtocol=http") == "http://photos.blob.core.windows.net");
  CHECK(endpoint(account + ";EndpointSuffix=core.chinacloudapi.cn;") == "https://photos.blob.core.chinacloudapi.cn");
  CHECK(endpoint(account + ";EndpointSuffix=core.usgovcloudapi.net") == "https://photos.blob.core.usgovcloudapi.net");
  CHECK(endpoint(account + ";BlobEndpoint=https://images.example.org/") == "https://images.example.org");
  CHECK(endpoint(account + ";BlobEndpoint=HTTP://127.0.0.1:10000/photos//") == "http://127.0.0.1:10000/photos");
  CHECK(endpoint(account + ";QueueEndpoint=https://q.example.org;BlobEndpoint=https://b.example.org") ==
        "https://b.example.org");
}

TEST_CASE("names come in any case and order, with white space and empty parts around them", "[azure]") {
  const AzureAccount account =
      parsed(" ; accountkey = a2V5 ;\n ACCOUNTNAME=photos ;; endpointsuffix=core.windows.net; ");
  CHECK(account.name == "photos");
  CHECK(account.key == "key");
  CHECK(account.endpoint == "https://photos.blob.core.windows.net");
}

TEST_CASE("a shared access signature comes with or without its question mark", "[azure]") {
  const std::string sas = "sv=2021-12-02&ss=b&srt=co&sp=rwc&se=2030-01-01T00:00:00Z&sig=abc%3D";
  for (const std::string mark : {"", "?"}) {
    const AzureAccount account =
        parsed("BlobEndpoint=https://photos.blob.core.windows.net/;SharedAccessSignature=" + mark + sas);
    CHECK(account.sas == sas);
    CHECK_FALSE(account.has_key());
    CHECK(account.name.empty());
    CHECK(account.title() == "photos.blob.core.windows.net");
  }
  CHECK(endpoint("AccountName=photos;SharedAccessSignature=" + sas) == "https://photos.blob.core.windows.net");
  CHECK(parsed("AccountName=photos;AccountKey=a2V5;SharedAccessSignature=" + sas).sas.empty());
}

TEST_CASE("the emulator needs no account, and may be elsewhere", "[azure]") {
  const AzureAccount account = parsed("UseDevelopmentStorage=true");
  CHECK(account.name == "devstoreaccount1");
  CHECK(account.endpoint == "http://127.0.0.1:10000/devstoreaccount1");
  CHECK(account.key.size() == 64);
  CHECK(endpoint("usedevelopmentstorage=TRUE; DevelopmentStorageProxyUri=http://azurite/;") ==
        "http://azurite:10000/devstoreaccount1");
  CHECK(endpoint("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://10.0.0.7:11000") ==
        "http://10.0.0.7:11000/devstoreaccount1");
  CHECK(refused("UseDevelopmentStorage=false").message().find("UseDevelopmentStorage") != std::string::npos);
  CHECK(refused("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=azurite").message().find("ProxyUri") !=
        std::string::npos);
}

TEST_CASE("what is missing or wrong in a connection string is named, and no secret shown", "[azure]") {
  const struct {
    const char* text;
    const char* named;
  } cases[] = {
      {"", "is empty"},
      {" ; ;", "is empty"},
      {"c2VjcmV0c2VjcmV0", "part 1 is not of the form"},
      {"AccountName=photos;c2VjcmV0", "part 2 is not of the form"},
      {"=c2VjcmV0", "part 1 is not of the form"},
      {"AccountName=photos", "neither an AccountKey nor a SharedAccessSignature"},
      {"AccountName=photos;AccountKey=;SharedAccessSignature=?", "neither an AccountKey nor a SharedAccessSignature"},
      {"AccountKey=c2VjcmV0", "AccountName or BlobEndpoint is missing"},
      {"BlobEndpoint=https://x.example.org;AccountKey=c2VjcmV0", "no AccountName"},
      {"AccountName=photos;AccountKey=c2VjcmV0c", "not Base64"},
      {"AccountName=pho/tos;AccountKey=c2VjcmV0", "AccountName with other characters"},
      {"AccountName=photos;AccountName=other;AccountKey=c2VjcmV0", "twice"},
      {"AccountName=photos;AccountKey=c2VjcmV0;DefaultEndpointsProtocol=ftp", "DefaultEndpointsProtocol"},
      {"AccountName=photos;AccountKey=c2VjcmV0;EndpointSuffix=a b", "EndpointSuffix"},
      {"AccountName=photos;AccountKey=c2VjcmV0;BlobEndpoint=photos.blob.core.windows.net", "BlobEndpoint"},
      {"AccountName=photos;AccountKey=c2VjcmV0;BlobEndpoint=https://x.example.org/?sig=c2VjcmV0", "BlobEndpoint"},
      {"AccountName=photos;SharedAccessSignature=sv=2021-12-02&sp=c2VjcmV0", "without its signature"},
  };
  for (const auto& [text, named] : cases) {
    const Error error = refused(text);
    CAPTURE(error.message());
    CHECK(error.code() == ErrorCode::kMisconfigured);
    CHECK(error.reason() == "bad_connection_string");
    CHECK(error.message().find("AZURE_STORAGE_CONNECTION_STRING") != std::string::npos);
    CHECK(error.message().find(named) != std::string::npos);
    CHECK((error.message() + error.remedy()).find("c2VjcmV0") == std::string::npos);
    CHECK_FALSE(error.remedy().empty());
  }
}

}  // namespace imgimport
