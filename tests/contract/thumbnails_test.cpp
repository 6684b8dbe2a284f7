#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "base/metrics.hpp"
#include "base/system_clock.hpp"
#include "fakes/memory_object_store.hpp"
#include "http_client/curl_client.hpp"
#include "storage/remote/remote_thumbnails.hpp"
#include "storage/thumbnails/thumbnail_maker.hpp"
#include "support/storage_service.hpp"
#include "support/temp_dir.hpp"
#include "thumbnails_contract.hpp"

namespace imgimport {
namespace {

struct LocalScene {
  TempDir dir;
  SystemClock clock;
  MetricsRegistry metrics;
  MemoryObjectStore store;
  ThumbnailMaker maker{{.cache_folder = dir.path() / "cache"}, store, clock, metrics};
};

struct RemoteScene {
  TempDir dir;
  SystemClock clock;
  StorageService service{dir.path(), {.cache_folder = dir.path() / "cache"}};
  CurlHttpClient http{{.ca = {}, .proxies = ProxyUse::kIgnore}};
  ServiceClient client{
      {.name = "storage", .url = service.url(), .setting = "STORAGE_SERVICE_URL", .token = "token"}, http, clock};
  RemoteThumbnails thumbnails{client};
};

TEST_CASE("the storage service's thumbnails keep the contract", "[thumbnails][contract]") {
  contract::check_thumbnails([] {
    auto scene = std::make_shared<LocalScene>();
    return contract::ThumbnailsUnderTest{&scene->maker, &scene->store, scene};
  });
}

TEST_CASE("thumbnails of a storage service in another process keep the contract", "[thumbnails][contract]") {
  contract::check_thumbnails([] {
    auto scene = std::make_shared<RemoteScene>();
    return contract::ThumbnailsUnderTest{&scene->thumbnails, &scene->service.store(), scene};
  });
}

TEST_CASE("a storage service that is away is told as such, and those who wait are answered at the end",
          "[thumbnails][contract]") {
  auto scene = std::make_unique<RemoteScene>();
  ServiceClient nobody({.name = "storage", .url = "http://127.0.0.1:9", .setting = "STORAGE_SERVICE_URL", .token = ""},
                       scene->http, scene->clock);
  RemoteThumbnails away(nobody);
  const ThumbnailRequest request{.key = ObjectKey("a"), .version = "v", .mime_type = "", .width = 160};
  CHECK(away.find({}, request).error().reason() == "service_away");
  CHECK(contract::make_thumbnail(away, request).error().code() == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace imgimport
