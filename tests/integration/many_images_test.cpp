// The program over very many records: each list answers as it should, and all of them stream in flat memory to a slow
// client while an import goes on. IMGIMPORT_IMAGES: how many (default 50,000; the long run has 1,000,000).
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>

#include "cloud_import.hpp"
#include "contract/metadata_store_backends.hpp"
#include "http_client/curl_client.hpp"
#include "support/many_images.hpp"

using namespace imgimport;
using namespace imgimport::cloud;

namespace {

std::int64_t given_images() {
  const char* given = std::getenv("IMGIMPORT_IMAGES");
  return given != nullptr ? std::atoll(given) : 50'000;
}

// Ids of a list, from the answer.
std::vector<std::int64_t> ids_in(const boost::json::object& list) {
  std::vector<std::int64_t> ids;
  for (const auto& image : list.at("images").as_array()) ids.push_back(count(image.as_object(), "id"));
  return ids;
}

boost::json::object list(ServerProcess& server, const std::string& query) {
  const Reply reply = server.get("/api/images?" + query);
  INFO(query << ": " << reply.body.substr(0, 300));
  REQUIRE(reply.status == 200);
  return reply.json.as_object();
}

void check_lists(ServerProcess& server, std::int64_t images) {
  const auto total = [&](const std::string& query) { return count(list(server, query), "total"); };
  const auto capped = [](std::int64_t number) { return std::min(number, kCountedImages); };
  const auto first = list(server, "per_page=50");
  CHECK(count(first, "total") == images);
  CHECK_FALSE(first.at("total_capped").as_bool());
  CHECK(ids_in(first).front() == images);
  CHECK(ids_in(first).back() == images - 49);
  const auto second = list(server, "per_page=50&cursor=" + text(first.at("next_cursor")));
  CHECK(ids_in(second).front() == images - 50);
  const auto last = list(server, "per_page=50&page=" + std::to_string(images / 50));
  CHECK(ids_in(last) == ids_in(list(server, "per_page=50&cursor=51")));
  CHECK(ids_in(last).back() == 1);
  const auto deep = list(server, "per_page=50&storage_provider=local&page=" + std::to_string(images / 100));
  CHECK(ids_in(deep).size() == 50);
  CHECK(total("storage_provider=aws") == images / 1000);
  CHECK(total("job_id=" + many_images_job(3)) == 1000);
  CHECK(total("folder=year%203") == capped(images / 25));
  CHECK(total("folder=year%203&camera=Camera%206") == capped(images / 25 / 20));
  CHECK(total("camera=Camera%206") == capped(images / 20));
  CHECK(total("taken_after=2000-01-01&taken_before=2024-12-31") == capped(images));
  CHECK(total("taken_after=2004-01-01&taken_before=2004-12-31") >= capped(images / 26));
  CHECK(total("taken_after=2025-01-01") == 0);
  CHECK(total("q=SUNSET") == images / 1000);
  CHECK(total("q=vienna%20" + std::to_string(images / 2000 * 1000) + ".") == 1);
  CHECK(total("q=nothing%20like%20it") == 0);
  CHECK(list(server, "q=z").at("total_capped").as_bool());
  const auto often = list(server, "q=img_");
  CHECK(often.at("total_capped").as_bool());
  CHECK(often.at("images").as_array().size() == 50);
  const Reply too_deep = server.get("/api/images?q=img_&page=100000");
  CHECK(too_deep.status == 400);
  CHECK(text(too_deep.json.as_object().at("code")) == "page_too_deep");
  const auto folders = server.get("/api/images/folders?parent=year%203").json.as_object();
  CHECK(folders.at("folders").as_array().size() ==
        static_cast<std::size_t>(std::min<std::int64_t>(100, images / 25 / 500 + 1)));
  CHECK(server.get("/api/images/cameras").json.as_object().at("cameras").as_array().size() == 20);
}

// Reads all records at some MB/s: how many they were, and whether the document came to its end.
std::pair<std::int64_t, bool> read_slowly(const std::string& url) {
  CurlHttpClient http;
  HttpClientRequest request;
  request.url = url + "/api/images/all";
  auto download = http.open(CallContext(), request);
  REQUIRE(download.has_value());
  REQUIRE((*download)->status() == 200);
  constexpr std::string_view kMark = "\"google_drive_id\":";
  std::vector<std::byte> buffer(256 * 1024);
  std::string kept;
  std::int64_t records = 0;
  std::size_t since = 0;  // bytes since the last pause
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  while (true) {
    const auto read = (*download)->read(CallContext(), buffer);
    REQUIRE(read.has_value());
    if (*read == 0) break;
    kept.append(reinterpret_cast<const char*>(buffer.data()), *read);
    std::size_t at = 0;
    for (auto found = kept.find(kMark); found != std::string::npos; found = kept.find(kMark, at)) {
      ++records;
      at = found + kMark.size();
    }
    kept.erase(0, std::max(at, kept.size() - std::min(kept.size(), kMark.size() - 1)));
    since += *read;
    if (since < buffer.size()) continue;
    since = 0;
    never.wait_for(lock, std::chrono::milliseconds(10));
  }
  return {records, kept.ends_with("\"total\":" + std::to_string(records) + "}")};
}

// An import goes on while a slow client reads everything.
void check_stream(ServerProcess& server, emulator::DriveEmulator& drive, std::int64_t images) {
  const auto folder_of = [&](std::size_t files, const std::string& name) {
    const std::string folder = drive.tree().add_folder(drive.root_id(), name);
    drive.tree().add_files(folder, {.count = files, .size = 3'000, .name_prefix = name});
    return emulator::DriveEmulator::folder_link(folder);
  };
  // The first one fills what fills once.
  CHECK(count(server.wait_for_job(server.import_folder(folder_of(500, "before"))), "processed") == 500);
  const long before = server.process().peak_rss_kib() / 1024;
  const std::string job = server.import_folder(folder_of(3'000, "meanwhile"));
  const auto [records, complete] = read_slowly(server.url());
  CHECK(complete);
  CHECK(records >= images + 500);
  CHECK(records <= images + 3'500);
  CHECK(count(server.wait_for_job(job), "processed") == 3'000);
  const long after = server.process().peak_rss_kib() / 1024;
  INFO("peak resident set " << before << " and " << after << " MiB");
  CHECK(after - before < 40);
}

}  // namespace

TEST_CASE("lists of very many images in SQLite, and all of them to a slow client", "[many-images]") {
  const std::int64_t images = given_images();
  emulator::DriveEmulator drive;
  REQUIRE(drive.start().has_value());
  const TempDir dir;
  const auto data = dir.path() / "data";
  std::filesystem::create_directories(data);
  const auto path = data / "imgimport.db";
  {
    const metadata_suite::HandClock clock;
    metadata_suite::open_sqlite(path, clock).reset();
    fill_sqlite(path.string(), images);
    metadata_suite::open_sqlite(path, clock).reset();
  }
  ServerProcess server(data, settings_for(drive));
  check_lists(server, images);
  check_stream(server, drive, images);
  // The reader never held the log back.
  CHECK(std::filesystem::file_size(path.string() + "-wal") < 100'000'000);
  CHECK(server.stop() == 0);
}

TEST_CASE("lists of very many images in PostgreSQL, and all of them to a slow client", "[many-images]") {
  const std::int64_t images = given_images();
  emulator::DriveEmulator drive;
  REQUIRE(drive.start().has_value());
  PostgresServer& postgres = PostgresServer::shared();
  const PostgresDatabase database;
  const std::string url = postgres.url(database.name());
  {
    const metadata_suite::HandClock clock;
    metadata_suite::open_sql(url, clock).reset();
    fill_postgres(postgres, database.name(), images);
    metadata_suite::open_sql(url, clock).reset();
    postgres.execute(database.name(), "VACUUM ANALYZE");
  }
  const TempDir dir;
  ServerProcess server(dir.path() / "data", merged(settings_for(drive), {{"DATABASE_URL", url}}));
  check_lists(server, images);
  check_stream(server, drive, images);
  CHECK(server.stop() == 0);
}
