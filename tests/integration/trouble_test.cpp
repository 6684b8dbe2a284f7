// Bad input and broken surroundings: each gets the right status or exit code, one clear sentence and a remedy, and what
// is stored already stays as it is.
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "emulators/drive/drive_emulator.hpp"
#include "http_client/curl_client.hpp"
#include "http_server/listening_socket.hpp"
#include "support/import_audit.hpp"
#include "support/server_process.hpp"
#include "support/temp_dir.hpp"

using namespace imgimport;
using emulator::DriveEmulator;

namespace {

struct Ended {
  int code = -1;
  std::string output;
  std::string errors;
};

// The program with these arguments and settings, until it ends by itself.
Ended run_program(const std::filesystem::path& directory, const std::vector<std::string>& arguments,
                  std::map<std::string, std::string> settings) {
  ChildOptions options;
  options.program = program_under_test();
  options.arguments = arguments;
  options.environment = {{"GATEWAY_PORT", "0"},    {"FRONTEND_PORT", "0"},
                         {"IMPORT_PORT", "0"},     {"METADATA_PORT", "0"},
                         {"STORAGE_PORT", "0"},    {"WORKER_PORT", "0"},
                         {"LOG_LEVEL", "warning"}, {"DATA_DIR", (directory / "data").string()}};
  settings.merge(options.environment);
  options.environment = settings;
  options.directory = directory;
  ChildProcess process(options);
  Ended ended;
  ended.output = process.read_all(std::chrono::seconds(30));
  ended.code = process.wait(std::chrono::seconds(30)).value_or(-1);
  ended.errors = process.error_output();
  return ended;
}

// A port that was free a moment ago.
std::uint16_t free_port() {
  const auto socket = open_listening_socket("test", "127.0.0.1", 0);
  if (!socket.has_value()) throw std::runtime_error(socket.error().message());
  close(socket->fd);
  return socket->port;
}

void check_error(const Reply& reply, int status) {
  INFO(reply.body);
  CHECK(reply.status == status);
  REQUIRE(reply.json.is_object());
  CHECK(!reply.json.as_object().at("error").as_string().empty());
  CHECK(!reply.json.as_object().at("code").as_string().empty());
  CHECK(!reply.json.as_object().at("request_id").as_string().empty());
}

// A start that cannot work: exit 2, and one sentence that names `what`.
void check_refused(const Ended& ended, const std::string& what) {
  INFO(ended.errors);
  CHECK(ended.code == 2);
  CHECK(ended.errors.find(what) != std::string::npos);
  CHECK(ended.errors.find("imgimport: ") != std::string::npos);
}

}  // namespace

TEST_CASE("requests that make no sense get a 4xx in the one error shape") {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, {.count = 1, .size = 1'000});
  const auto empty = drive.tree().add_folder(drive.root_id(), "empty");
  REQUIRE(drive.start().has_value());
  const TempDir dir;
  ServerProcess server(dir.path() / "data", settings_for(drive));
  const std::string import = "/api/import/google-drive";

  for (const char* body :
       {"", "not json", "[]", "{}", R"({"folder_url":7})", R"x({"folder_url":"javascript:alert(1)"})x",
        R"({"folder_url":"https://example.com/drive/folders/abc"})",
        R"({"folder_url":"https://drive.google.com/file/d/1AbC/view"})",
        R"({"folder_url":"https://drive.google.com/drive/folders/a'b"})",
        R"({"folder_url":"https://drive.google.com/drive/folders/abc","recursive":"yes"})",
        R"({"folder_url":"https://drive.google.com/drive/folders/abc","filters":{"min_size":"big"}})",
        R"({"folder_url":"https://drive.google.com/drive/folders/abc","dry-run":true})",
        R"({"folder_url":"https://drive.google.com/drive/folders/abc",
            "filters":{"taken_after":"2024-05-02","taken_before":"2024-05-01"}})"}) {
    CAPTURE(body);
    check_error(server.post(import, body), 400);
  }
  check_error(server.post(import, R"({"folder_url":")" + DriveEmulator::folder_link("1NoSuchFolder") + R"("})"), 404);
  check_error(server.get("/api/import/status/no-uuid"), 400);
  check_error(server.get("/api/import/status/00000000-0000-4000-8000-000000000000"), 404);
  check_error(server.get("/api/images/999"), 404);
  check_error(server.get("/api/images/abc"), 400);
  check_error(server.get("/api/images?page=99999999999999999999"), 400);
  check_error(server.get("/api/images?page=0"), 400);
  check_error(server.get("/api/images?per_page=501"), 400);
  check_error(server.get("/api/nowhere"), 404);
  CHECK(server.get("/assets/nowhere.js").status == 404);
  check_error(server.request(HttpMethod::kDelete, "/api/stats"), 405);
  CHECK(server.get("/api/images?page=1000000").json.as_object().at("images").as_array().empty());

  const Reply nothing = server.post(import, R"({"folder_url":")" + DriveEmulator::folder_link(empty) + R"("})");
  CHECK(nothing.status == 200);
  CHECK(nothing.json.as_object().at("message").as_string() == "No images found in the folder");

  // An allowed page may read what no route has answered, too.
  HttpHeaders from_page;
  from_page.set("Origin", "http://localhost:3000");
  const auto check_readable = [&](HttpMethod method, const std::string& path, const std::string& sent, int status) {
    const Reply refused = server.request(method, path, sent, from_page);
    CAPTURE(path);
    check_error(refused, status);
    CHECK(refused.headers.find("Access-Control-Allow-Origin") == std::string_view("http://localhost:3000"));
    CHECK(refused.headers.find("X-Content-Type-Options") == std::string_view("nosniff"));
  };
  check_readable(HttpMethod::kGet, "/api/nowhere", "", 404);
  check_readable(HttpMethod::kDelete, "/api/stats", "", 405);
  check_readable(HttpMethod::kPost, import, std::string(2 << 20, ' '), 413);
}

TEST_CASE("without credentials, or with wrong ones, the answer says what to set") {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  REQUIRE(drive.start().has_value());
  const TempDir dir;
  const std::string body = R"({"folder_url":")" + DriveEmulator::folder_link(album) + R"("})";
  auto settings = settings_for(drive);
  settings["GOOGLE_API_KEY"] = "wrong";
  {
    ServerProcess server(dir.path() / "a", settings);
    const Reply refused = server.post("/api/import/google-drive", body);
    check_error(refused, 503);
    CHECK(refused.body.find("GOOGLE_API_KEY") != std::string::npos);
  }
  settings.erase("GOOGLE_API_KEY");
  ServerProcess server(dir.path() / "b", settings);
  const Reply refused = server.post("/api/import/google-drive", body);
  check_error(refused, 503);
  CHECK(refused.body.find("GOOGLE_API_KEY") != std::string::npos);
}

TEST_CASE("a start that cannot work ends with exit code 2 and one sentence") {
  const TempDir dir;
  check_refused(run_program(dir.path(), {"--role=all"}, {{"WORKER_THREADS", "many"}}), "WORKER_THREADS");
  check_refused(run_program(dir.path(), {"--role=everything"}, {}), "everything");
  check_refused(run_program(dir.path(), {"--role=gateway"}, {}), "IMPORT_SERVICE_URL");
  check_refused(run_program(dir.path(), {"--no-such-flag"}, {}), "no-such-flag");
  check_refused(run_program(dir.path(), {"--role=all"}, {{"LISTEN_ADDRESS", "0.0.0.0"}}), "API_TOKEN");

  SECTION("a taken port") {
    DriveEmulator other;
    REQUIRE(other.start().has_value());
    check_refused(run_program(dir.path(), {"--role=all"}, {{"GATEWAY_PORT", std::to_string(other.port())}}),
                  "GATEWAY_PORT");
    check_refused(run_program(dir.path(), {"--role=all"}, {{"FRONTEND_PORT", std::to_string(other.port())}}),
                  "FRONTEND_PORT");
  }
  SECTION("a corrupt database") {
    std::filesystem::create_directories(dir.path() / "data");
    std::ofstream(dir.path() / "data" / "imgimport.db") << std::string(10'000, 'x');
    check_refused(run_program(dir.path(), {"--role=all"}, {}), "imgimport.db");
    CHECK(std::filesystem::file_size(dir.path() / "data" / "imgimport.db") == 10'000);
  }
  SECTION("a file in place of the data directory") {
    std::ofstream(dir.path() / "data") << "x";
    check_refused(run_program(dir.path(), {"--role=all"}, {}), "DATA_DIR");
  }
  SECTION("a bad configuration file") {
    std::ofstream(dir.path() / "bad.json") << "{ \"worker\": ";
    check_refused(run_program(dir.path(), {"--role=all", "--config", "bad.json"}, {}), "bad.json");
  }
}

TEST_CASE("a start whose database is away answers for its health, waits, and ends when it is told to") {
  const TempDir dir;
  const std::uint16_t port = free_port();
  ChildOptions options;
  options.program = program_under_test();
  options.arguments = {"--role=metadata"};
  options.environment = {{"METADATA_PORT", std::to_string(port)},
                         {"LOG_LEVEL", "warning"},
                         {"DATABASE_URL", "postgresql://importer:secret@127.0.0.1:1/imgimport"}};
  options.directory = dir.path();
  ChildProcess process(options);
  CurlHttpClient http;
  const auto get = [&](const std::string& path) {
    HttpClientRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(port) + path;
    return http.send(CallContext{}.with_timeout(std::chrono::seconds(5)), request);
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  auto health = get("/health");
  while ((!health.has_value() || health->body.find("database") == std::string::npos) &&
         std::chrono::steady_clock::now() < deadline) {
    health = get("/health");
  }
  REQUIRE(health.has_value());
  CHECK(health->status == 200);
  CHECK(health->body.find("degraded") != std::string::npos);
  CHECK(health->body.find("the database does not answer") != std::string::npos);
  const auto ready = get("/ready");
  REQUIRE(ready.has_value());
  CHECK(ready->status == 503);
  const auto elsewhere = get("/metrics");
  REQUIRE(elsewhere.has_value());
  CHECK(elsewhere->status == 503);
  CHECK(elsewhere->body.find("starting") != std::string::npos);
  process.signal(SIGTERM);
  CHECK(process.wait(std::chrono::seconds(10)) == 0);
}

TEST_CASE("a page of the app may read that the server is still starting") {
  const TempDir dir;
  const std::uint16_t port = free_port();
  ChildOptions options;
  options.program = program_under_test();
  options.arguments = {"--role=all"};
  options.environment = {{"LOG_LEVEL", "error"},
                         {"DATA_DIR", (dir.path() / "data").string()},
                         {"DATABASE_URL", "postgresql://importer:secret@127.0.0.1:1/imgimport"},
                         {"GATEWAY_PORT", std::to_string(port)}};
  for (const char* other : {"FRONTEND", "IMPORT", "METADATA", "STORAGE", "WORKER"}) {
    options.environment[std::string(other) + "_PORT"] = "0";
  }
  options.directory = dir.path();
  ChildProcess process(options);
  CurlHttpClient http;
  HttpClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(port) + "/api/stats";
  request.headers.set("Origin", "http://localhost:3000");
  const CallContext patience = CallContext{}.with_timeout(std::chrono::seconds(30));
  auto answer = http.send(patience, request);
  while (!answer.has_value() && patience.check().has_value()) answer = http.send(patience, request);
  REQUIRE(answer.has_value());
  CHECK(answer->status == 503);
  CHECK(answer->body.find("starting") != std::string::npos);
  CHECK(answer->headers.find("Access-Control-Allow-Origin") == std::string_view("http://localhost:3000"));
  CHECK(answer->headers.find("Retry-After").has_value());
  process.signal(SIGTERM);
  CHECK(process.wait(std::chrono::seconds(10)) == 0);
}

TEST_CASE("a server whose certificate is not trusted is told from one that is not there") {
  const TempDir dir;
  const std::string files = dir.path().string();
  const std::string make =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
      " -keyout " +
      files + "/key.pem -out " + files + "/cert.pem 2>/dev/null";
  REQUIRE(std::system(make.c_str()) == 0);
  ServerProcess server(dir.path() / "data",
                       {{"TLS_CERT_FILE", files + "/cert.pem"}, {"TLS_KEY_FILE", files + "/key.pem"}});
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"status", server.url()}, std::vector<std::string>{"--health=" + server.url()}}) {
    const Ended ended = run_program(dir.path(), arguments, {});
    INFO(ended.errors);
    CHECK(ended.code != 0);
    CHECK(ended.errors.find("SSL_CERT_FILE") != std::string::npos);
  }
  CHECK(server.stop() == 0);
}

TEST_CASE("a full disk stops the job with the remedy, and retry goes on when there is room") {
  const TempDir dir;
  const auto data = dir.path() / "data";
  std::filesystem::create_directories(data);
  if (mount("tmpfs", data.c_str(), "tmpfs", 0, "size=48m") != 0) {
    WARN("not run: mounting a small file system needs root");
    return;
  }
  struct Unmount {
    std::filesystem::path path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } const unmount{data};

  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, {.count = 100, .size = 500'000});
  REQUIRE(drive.start().has_value());
  ServerProcess server(data, settings_for(drive));
  const std::string job = server.import_folder(DriveEmulator::folder_link(album));
  const auto stopped = server.wait_for_job(job);
  CHECK(stopped.at("status").as_string() == "failed");
  CHECK(stopped.at("pending").to_number<int>() > 0);
  CHECK(!stopped.at("remedy").as_string().empty());
  // What was under way when the job stopped is stored first, and written down then.
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  std::string amiss = audit_objects(data, all_records(server));
  while (!amiss.empty() && std::chrono::steady_clock::now() < limit) amiss = audit_objects(data, all_records(server));
  CHECK(amiss == "");

  REQUIRE(mount("tmpfs", data.c_str(), "tmpfs", MS_REMOUNT, "size=200m") == 0);
  CHECK(server.post("/api/import/" + job + "/retry").status == 202);
  const auto mended = server.wait_for_job(job);
  CHECK(mended.at("status").as_string() == "completed");
  CHECK(mended.at("imported_count").to_number<int>() == 100);
  CHECK(audit_objects(data, all_records(server)) == "");
  CHECK(server.stop() == 0);
}

TEST_CASE("the one-shot command imports, reports, and exits by what became of the images") {
  DriveEmulator drive;
  const auto album = drive.tree().add_folder(drive.root_id(), "album");
  drive.tree().add_files(album, {.count = 30, .size = 10'000});
  REQUIRE(drive.start().has_value());
  const TempDir dir;
  const auto settings = settings_for(drive);
  const std::string link = DriveEmulator::folder_link(album);

  const Ended dry = run_program(dir.path(), {"import", link, "--dry-run", "--json"}, settings);
  INFO(dry.errors);
  REQUIRE(dry.code == 0);
  const auto estimate = boost::json::parse(dry.output).as_object();
  CHECK(estimate.at("total").to_number<int>() == 30);
  CHECK(estimate.at("total_bytes").to_number<int>() == 300'000);
  CHECK(estimate.at("drive_units").to_number<int>() >= 6'000);
  CHECK(drive.counters().values().download == 0);

  const Ended done = run_program(dir.path(), {"import", link, "--json"}, settings);
  INFO(done.errors);
  REQUIRE(done.code == 0);
  CHECK(boost::json::parse(done.output).as_object().at("imported_count").to_number<int>() == 30);

  drive.tree().add_file(album, "gone.jpg", {.can_download = false});
  const Ended partly = run_program(dir.path(), {"import", link}, settings);
  CHECK(partly.code == 1);
  CHECK(partly.output.find("gone.jpg") != std::string::npos);
  CHECK(partly.output.find("skipped") != std::string::npos);

  CHECK(run_program(dir.path(), {"import", "https://example.com/"}, settings).code == 2);
}
