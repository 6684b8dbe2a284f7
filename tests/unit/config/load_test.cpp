#include "config/load.hpp"

#include <catch2/catch.hpp>

#include "config/describe.hpp"
#include "config_test_support.hpp"

namespace imgimport {
namespace {

// The message and remedy that these settings end in; empty when they are fine.
std::string refusal(const Environment& environment, const std::vector<std::string>& arguments = {"--role=all"}) {
  return sentence(ConfigFolder().load(arguments, environment));
}

TEST_CASE("without any source every setting has its default", "[config]") {
  const auto loaded = ConfigFolder().load({"--role=all"});
  REQUIRE(loaded.has_value());
  CHECK(loaded->config == Config{});
  CHECK(loaded->origins.empty());
  CHECK(loaded->warnings.empty());
}

TEST_CASE("flags win over environment, environment over .env, .env over the file, the file over defaults", "[config]") {
  const ConfigFolder folder;
  folder.write("config/default.json", R"({"import": {"worker_threads": 11, "batch_size": 12, "max_attempts": 13,
                                                      "listing_threads": 14}})");
  folder.write(".env", "WORKER_THREADS=21\nBATCH_SIZE=22\nMAX_ATTEMPTS=23\n");
  const Environment environment = {{"WORKER_THREADS", "31"}, {"BATCH_SIZE", "32"}};
  const auto loaded = folder.load({"--role=all", "--worker-threads=41"}, environment);
  INFO(sentence(loaded));
  REQUIRE(loaded.has_value());
  CHECK(loaded->config.worker.threads == 41);
  CHECK(loaded->config.import.batch_size == 32);
  CHECK(loaded->config.worker.max_attempts == 23);
  CHECK(loaded->config.import.listing_threads == 14);
  CHECK(loaded->config.server.request_threads == 16);
  CHECK(loaded->origins.at("WORKER_THREADS") == "--worker-threads");
  CHECK(loaded->origins.at("BATCH_SIZE") == "environment");
  CHECK(loaded->origins.at("MAX_ATTEMPTS") == ".env line 3");
  CHECK(loaded->origins.at("LISTING_THREADS") == "config/default.json");
  CHECK_FALSE(loaded->origins.contains("REQUEST_THREADS"));
}

TEST_CASE("the last flag of a name wins", "[config]") {
  CHECK(ConfigFolder().load({"--role=all", "--batch-size=1", "--batch-size=2"})->config.import.batch_size == 2);
}

TEST_CASE("an empty value counts as not set in every source but a flag", "[config]") {
  const ConfigFolder folder;
  folder.write("config/default.json", R"({"import": {"batch_size": 12, "worker_threads": null},
                                          "drive": {"google_api_key": "", "drive_quota_per_minute": null}})");
  folder.write(".env", "BATCH_SIZE=\nGOOGLE_API_KEY=''\n");
  const auto loaded = folder.load({"--role=all"}, {{"BATCH_SIZE", ""}, {"PORT", ""}});
  REQUIRE(loaded.has_value());
  CHECK(loaded->config.import.batch_size == 12);
  CHECK(loaded->config.worker.threads == 150);
  CHECK(loaded->config.drive == DriveConfig{});
  CHECK_FALSE(loaded->config.server.port.has_value());
}

TEST_CASE("a secret may come from a file that NAME_FILE names, and the variable itself wins", "[config]") {
  const ConfigFolder folder;
  folder.write("token", "from-the-file\n");
  folder.write(".env", "API_TOKEN_FILE=token\n");
  const auto loaded = folder.load({"--role=all"}, {{"INTERNAL_TOKEN_FILE", "token"}, {"DB_PASSWORD_FILE", ""}});
  INFO(sentence(loaded));
  REQUIRE(loaded.has_value());
  CHECK(loaded->config.server.internal_token == "from-the-file");
  CHECK(loaded->origins.at("INTERNAL_TOKEN") == "environment INTERNAL_TOKEN_FILE");
  CHECK(loaded->config.gateway.api_token == "from-the-file");
  CHECK(loaded->warnings.empty());
  const auto both = folder.load({"--role=all"}, {{"INTERNAL_TOKEN_FILE", "token"}, {"INTERNAL_TOKEN", "itself"}});
  CHECK(both->config.server.internal_token == "itself");
  CHECK_THAT(refusal({{"INTERNAL_TOKEN_FILE", "/no/such/file"}}),
             Catch::Contains("INTERNAL_TOKEN_FILE (environment): /no/such/file cannot be read"));
}

TEST_CASE("a secret's file that is empty is an error, not a secret that is not set", "[config]") {
  const ConfigFolder folder;
  folder.write("empty", "");
  folder.write("blank", " \n\r\n");
  for (const char* name : {"empty", "blank"}) {
    const auto said = sentence(folder.load({"--check-config"}, {{"API_TOKEN_FILE", name}}));
    CHECK(said == "API_TOKEN_FILE (environment): " + std::string(name) +
                      " is empty | Write the value into that file, or remove API_TOKEN_FILE");
  }
  folder.write(".env", "API_TOKEN_FILE=empty\n");
  CHECK(sentence(folder.load({"--check-config"})).starts_with("API_TOKEN_FILE (.env line 1): empty is empty | "));
}

TEST_CASE("a secret's file is not looked at where the plain variable wins", "[config]") {
  const ConfigFolder folder;
  const std::string gone = "/no/such/file";
  const auto token = [&](const std::vector<std::string>& arguments, const Environment& environment) {
    const auto loaded = folder.load(arguments, environment);
    return loaded.has_value() ? loaded->config.gateway.api_token : sentence(loaded);
  };
  CHECK(token({"--role=all"}, {{"API_TOKEN_FILE", gone}, {"API_TOKEN", "plain"}}) == "plain");
  CHECK(token({"--role=all", "--api-token=flag"}, {{"API_TOKEN_FILE", gone}}) == "flag");
  for (const char* lines :
       {"API_TOKEN_FILE=/no/such/file\nAPI_TOKEN=plain\n", "API_TOKEN=plain\nAPI_TOKEN_FILE=gone\n"}) {
    folder.write(".env", lines);
    CHECK(token({"--role=all"}, {}) == "plain");
  }
  folder.write(".env", "API_TOKEN_FILE=/no/such/file\n");
  folder.write("token", "from-the-file\n");
  CHECK(token({"--role=all"}, {{"API_TOKEN", "plain"}}) == "plain");
  CHECK(token({"--role=all"}, {{"API_TOKEN_FILE", "token"}}) == "from-the-file");
  CHECK(token({"--role=all", "--api-token=flag"}, {}) == "flag");
  // An empty variable says nothing, and a weaker source does not win.
  CHECK_THAT(token({"--role=all"}, {{"API_TOKEN", ""}}), Catch::Contains("cannot be read"));
  folder.write(".env", "API_TOKEN=weaker\n");
  CHECK_THAT(token({"--role=all"}, {{"API_TOKEN_FILE", gone}}), Catch::Contains("cannot be read"));
}

TEST_CASE("--config names another file, and then the default one is not read", "[config]") {
  const ConfigFolder folder;
  folder.write("config/default.json", "not even JSON");
  folder.write("mine.json", "// comments are fine\n{\"import\": {\"batch_size\": 7}}");
  CHECK(folder.load({"--role=all", "--config=mine.json"})->config.import.batch_size == 7);
  CHECK(folder.load({"--role=all", "--config", (folder.path() / "mine.json").string()})->config.import.batch_size == 7);
  CHECK(sentence(folder.load({"--role=all", "--config=gone.json"})) ==
        "gone.json: cannot be read (No such file or directory) | Give --config the path of a readable file");
}

TEST_CASE("what is wrong in the file is named with the file", "[config]") {
  struct Row {
    std::string_view json;
    std::string_view message;
  };
  const Row rows[] = {
      {R"({"import": {"batch_sise": 5}})", R"(unknown key "import.batch_sise" (did you mean import.batch_size?))"},
      {R"({"import": {"google_api_key": "x"}})",
       R"(unknown key "import.google_api_key" (that setting is drive.google_api_key))"},
      {R"({"google_api_key": "x"})", R"(unknown key "google_api_key" (that setting is drive.google_api_key))"},
      {R"({"imports": {}})", R"(unknown group "imports" (did you mean import?))"},
      {R"({"import": 5})", R"("import" must be an object of settings)"},
      {R"([1])", "not a JSON object of groups of settings"},
      {"{\n\"import\": {,}}", "not valid JSON at line 2 (syntax error)"},
      {"", "not valid JSON at line 1 (incomplete JSON)"},
      {"{\"import\": {\"batch_size\": 1, // \"batch_size\": 2\n/* \"a\":\n */\n\"batch\\u005fsize\": 3}}",
       "\"import.batch_size\" is there twice, the second time at line 4"},
      {"{\"import\": {},\n\"import\": {}}", "\"import\" is there twice, the second time at line 2"},
      {R"({"import": {"batch_size": {}}})", "import.batch_size must be a whole number from 1 to 1000"},
  };
  for (const Row& row : rows) {
    const ConfigFolder folder;
    folder.write("config/default.json", row.json);
    const auto loaded = folder.load({"--role=all"});
    INFO(row.json);
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().code() == ErrorCode::kMisconfigured);
    CHECK(loaded.error().message() == "config/default.json: " + std::string(row.message));
    CHECK_FALSE(loaded.error().remedy().empty());
  }
}

TEST_CASE("the file takes numbers and flags bare or as text, and lists as such or with commas", "[config]") {
  const ConfigFolder folder;
  folder.write("config/default.json", R"({"import": {"batch_size": "7", "worker_threads": 8},
      "server": {"allow_anonymous": "yes", "cors_origins": ["https://a.example", "http://B.example:8080/"]},
      "drive": {"drive_acknowledge_abuse": true}})");
  const auto loaded = folder.load({"--role=all"});
  INFO(sentence(loaded));
  REQUIRE(loaded.has_value());
  CHECK(loaded->config.import.batch_size == 7);
  CHECK(loaded->config.worker.threads == 8);
  CHECK(loaded->config.gateway.allow_anonymous);
  CHECK(loaded->config.drive.acknowledge_abuse);
  CHECK(loaded->config.gateway.cors_origins == std::vector<std::string>{"https://a.example", "http://b.example:8080"});
}

TEST_CASE("an unknown key of .env is only a warning; an unknown variable of the environment is nothing", "[config]") {
  const ConfigFolder folder;
  folder.write(".env", "COMPOSE_PROJECT_NAME=x\nGOOGLE_API_KEI=secret-value\n");
  const auto loaded = folder.load({"--role=all"}, {{"PATH", "/bin"}, {"GOOGLE_API_KEI", "y"}});
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings ==
        std::vector<std::string>{
            ".env line 1: COMPOSE_PROJECT_NAME is not a setting of imgimport",
            ".env line 2: GOOGLE_API_KEI is not a setting of imgimport (did you mean GOOGLE_API_KEY?)"});
}

TEST_CASE("what .env may not mean as it stands is a warning with key and line, never with the value", "[config]") {
  const ConfigFolder folder;
  folder.write(".env",
               "DB_PASSWORD=pa$word\nBATCH_SIZE=5\nAPI_TOKEN=${NONE}x\nBATCH_SIZE=6\nDATA_DIR=${GIVEN}${NO:-}\n");
  const auto loaded =
      folder.load({"--check-config"}, {{"GIVEN", "/x"}, {"DB_SERVER", "s"}, {"DB_NAME", "n"}, {"DB_USER", "u"}});
  INFO(sentence(loaded));
  REQUIRE(loaded.has_value());
  REQUIRE(loaded->warnings.size() == 3);
  CHECK_THAT(loaded->warnings[0], Catch::StartsWith(".env line 1: DB_PASSWORD refers to a variable that is not set") &&
                                      !Catch::Contains("word ") && Catch::Contains("$$"));
  CHECK_THAT(loaded->warnings[1], Catch::StartsWith(".env line 3: API_TOKEN refers") && !Catch::Contains("NONE"));
  CHECK(loaded->warnings[2] == ".env line 4: BATCH_SIZE is set in line 2 as well; the last one holds");
  CHECK(loaded->config.import.batch_size == 6);
}

TEST_CASE("a .env that cannot be read as one is an error, a directory of that name is not", "[config]") {
  const ConfigFolder folder;
  std::filesystem::create_directory(folder.path() / ".env");
  CHECK(folder.load({"--role=all"}).has_value());
  std::filesystem::remove(folder.path() / ".env");
  folder.write(".env", "BATCH_SIZE=5\nBATCH SIZE=6\n");
  CHECK(sentence(folder.load({"--role=all"})) == ".env: line 2 is not KEY=VALUE | Correct .env, or remove it");
}

TEST_CASE("a value that does not parse is named with its source and what is expected", "[config]") {
  struct Row {
    std::string variable;
    std::string value;
    std::string expected;  // behind: is not
  };
  const std::string prefix =
      "names of at most 255 bytes with slashes between them, 512 together, none of them \".\", \"..\" or empty, "
      "without a backslash";
  const Row rows[] = {
      {"WORKER_THREADS", "many", "a whole number from 1 to 2000"},
      {"WORKER_THREADS", "0", "a whole number from 1 to 2000"},
      {"WORKER_THREADS", "1.5", "a whole number from 1 to 2000"},
      {"WORKER_THREADS", "99999999999999999999", "a whole number from 1 to 2000"},
      {"GATEWAY_PORT", "65536", "a whole number from 0 to 65535"},
      {"GATEWAY_PORT", "-1", "a whole number from 0 to 65535"},
      {"RETRY_FOR", "soon", "a time such as 90s, 15m or 1h, at most 30d"},
      {"RETRY_FOR", "1h30", "a time such as 90s, 15m or 1h, at most 30d"},
      {"RETRY_FOR", "31d", "a time such as 90s, 15m or 1h, at most 30d"},
      {"STORAGE_PROVIDER", "s3", "one of local, aws, azure"},
      {"LOG_FORMAT", "xml", "one of text, json"},
      {"ALLOW_ANONYMOUS", "perhaps", "true or false"},
      {"LISTEN_ADDRESS", "example.org", "an IP address, such as 127.0.0.1, 0.0.0.0 or ::"},
      {"OBJECT_PREFIX", "a/../b", prefix},
      {"OBJECT_PREFIX", "a\\b", prefix},
      {"CORS_ORIGINS", "*", "origins such as https://app.example.org, with commas between them (no path, no \"*\")"},
      {"CORS_ORIGINS", "https://a.example/path",
       "origins such as https://app.example.org, with commas between them (no path, no \"*\")"},
      {"GOOGLE_DRIVE_API_URL", "www.googleapis.com",
       "an http:// or https:// URL without user name, \"?\" and \"#\", such as https://images.example.org"},
      {"REDIS_URL", "http://h", "redis://host:6379 or rediss://host:6379"},
      {"DATABASE_URL", "mysql://h/d",
       "sqlite:///path, postgresql://user:password@host/database or mssql://user:password@host/database"},
  };
  for (const Row& row : rows) {
    CHECK(refusal({{row.variable, row.value}}) == row.variable + " (environment): \"" + row.value + "\" is not " +
                                                      row.expected + " | Correct " + row.variable +
                                                      ", or remove it to get its default");
  }
  const auto from_flag = ConfigFolder().load({"--role=all", "--batch-size=x"});
  CHECK(sentence(from_flag).starts_with("BATCH_SIZE (--batch-size): \"x\" is not a whole number"));
}

TEST_CASE("a key prefix that no store would take is refused at the start", "[config]") {
  const std::string name(200, 'a');
  CHECK_FALSE(refusal({{"OBJECT_PREFIX", std::string(256, 'a')}}).empty());
  CHECK_FALSE(refusal({{"OBJECT_PREFIX", name + "/" + name + "/" + name}}).empty());
  CHECK(refusal({{"OBJECT_PREFIX", name + "/" + name}}).empty());
}

TEST_CASE("values are read in the forms that people write", "[config]") {
  const auto loaded = ConfigFolder().load({"--role=all"}, {{"RETRY_FOR", "1h30m"},
                                                           {"RETRY_BASE_MS", "250"},
                                                           {"LIST_WAIT_SECONDS", " 3 "},
                                                           {"LISTEN_ADDRESS", "localhost"},
                                                           {"PUBLIC_URL", "HTTPS://Images.example.org/base/ "},
                                                           {"OBJECT_PREFIX", "/photos/2024/"},
                                                           {"LOG_LEVEL", "WARN"},
                                                           {"GOOGLE_API_KEY", "key\n"},
                                                           {"IMPORT_SERVICE_URL", "http://[::1]:5001"},
                                                           {"DATABASE_URL", "postgres://u:p%40@h/d?sslmode=require"}});
  INFO(sentence(loaded));
  REQUIRE(loaded.has_value());
  const Config& config = loaded->config;
  CHECK(config.worker.retry_for == std::chrono::minutes(90));
  CHECK(config.worker.retry_base == std::chrono::milliseconds(250));
  CHECK(config.import.list_wait == std::chrono::seconds(3));
  CHECK(config.server.listen_address == "127.0.0.1");
  CHECK(config.gateway.public_url == "https://Images.example.org/base");
  CHECK(config.storage.object_prefix == "photos/2024");
  CHECK(config.log.level == LogLevel::kWarning);
  CHECK(config.drive.api_key == "key");
  CHECK(config.services.import_url == "http://[::1]:5001");
  CHECK(config.metadata.url == "postgres://u:p%40@h/d?sslmode=require");
  for (const auto& [text, expected] :
       std::vector<std::pair<std::string, std::chrono::milliseconds>>{{"90", std::chrono::seconds(90)},
                                                                      {"90s", std::chrono::seconds(90)},
                                                                      {"15m", std::chrono::minutes(15)},
                                                                      {"2d", std::chrono::hours(48)},
                                                                      {"500ms", std::chrono::milliseconds(500)},
                                                                      {"0", std::chrono::milliseconds(0)}}) {
    INFO(text);
    CHECK(ConfigFolder().load({"--role=all"}, {{"RETRY_FOR", text}})->config.worker.retry_for == expected);
  }
}

TEST_CASE("a password is taken with its spaces", "[config]") {
  const Environment environment = {{"DB_SERVER", "h"}, {"DB_NAME", "d"}, {"DB_USER", "u"}, {"DB_PASSWORD", " p w "}};
  CHECK(ConfigFolder().load({"--role=all"}, environment)->config.metadata.password == " p w ");
}

TEST_CASE("a database named in part is refused with what is missing", "[config]") {
  CHECK(refusal({{"DB_SERVER", "h"}, {"DB_USER", "u"}}) ==
        "only a part of the database is named: DB_SERVER, DB_USER set, but not DB_NAME, DB_PASSWORD | "
        "Set DB_NAME, DB_PASSWORD as well, or none of the four for SQLite");
  CHECK(refusal({{"DB_SERVER", "h"}, {"DATABASE_URL", "sqlite:///x.db"}}).empty());
  CHECK(refusal({{"DB_DRIVER", "FreeTDS"}}).empty());
}

TEST_CASE("a storage provider needs its bucket or account", "[config]") {
  CHECK(refusal({{"STORAGE_PROVIDER", "aws"}}) ==
        "STORAGE_PROVIDER is aws, but AWS_BUCKET_NAME is not set | Set AWS_BUCKET_NAME to the bucket's name");
  CHECK(refusal({{"STORAGE_PROVIDER", "aws"}, {"AWS_BUCKET_NAME", "b"}}).empty());
  CHECK(refusal({{"STORAGE_PROVIDER", "aws"}, {"AWS_BUCKET_NAME", "b"}, {"AWS_ACCESS_KEY_ID", "k"}}) ==
        "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not | Set both, or neither");
  CHECK(refusal({{"STORAGE_PROVIDER", "azure"}})
            .starts_with("STORAGE_PROVIDER is azure, but AZURE_STORAGE_CONNECTION_STRING is not set | Set "));
  CHECK(refusal({{"STORAGE_PROVIDER", "Azure"}, {"AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true"}})
            .empty());
}

TEST_CASE("TLS and impersonation need their other half", "[config]") {
  CHECK(refusal({{"TLS_CERT_FILE", "c.pem"}}) ==
        "TLS_CERT_FILE is set, but TLS_KEY_FILE is not | Set both to serve HTTPS, or neither");
  CHECK(refusal({{"TLS_KEY_FILE", "k.pem"}}) ==
        "TLS_KEY_FILE is set, but TLS_CERT_FILE is not | Set both to serve HTTPS, or neither");
  CHECK(refusal({{"TLS_KEY_FILE", "k.pem"}, {"TLS_CERT_FILE", "c.pem"}}).empty());
  CHECK(refusal({{"GOOGLE_IMPERSONATE_USER", "a@example.org"}})
            .starts_with("GOOGLE_IMPERSONATE_USER is set, but GOOGLE_APPLICATION_CREDENTIALS is not | "));
}

TEST_CASE("nobody listens beyond loopback without a token, unless told so", "[config]") {
  const std::string open = "LISTEN_ADDRESS 0.0.0.0 can be reached from other machines, but API_TOKEN is not set";
  CHECK(refusal({{"LISTEN_ADDRESS", "0.0.0.0"}}).starts_with(open));
  CHECK(refusal({{"LISTEN_ADDRESS", "0.0.0.0"}, {"API_TOKEN", "t"}}).empty());
  CHECK(refusal({{"LISTEN_ADDRESS", "0.0.0.0"}, {"ALLOW_ANONYMOUS", "true"}}).empty());
  CHECK(refusal({{"LISTEN_ADDRESS", "127.8.9.1"}}).empty());
  CHECK(refusal({{"LISTEN_ADDRESS", "[::1]"}}).empty());
  CHECK(refusal({{"LISTEN_ADDRESS", "::"}}).starts_with("LISTEN_ADDRESS :: can be reached"));
  CHECK(refusal({{"LISTEN_ADDRESS", "::ffff:127.0.0.1"}}).empty());

  const std::vector<std::string> worker = {"--role=worker"};
  CHECK(refusal({{"LISTEN_ADDRESS", "0.0.0.0"}}, worker)
            .starts_with("LISTEN_ADDRESS 0.0.0.0 can be reached from other machines, but INTERNAL_TOKEN is not set"));
  CHECK(refusal({{"LISTEN_ADDRESS", "0.0.0.0"}, {"INTERNAL_TOKEN", "t"}}, worker).empty());
  CHECK(refusal({{"LISTEN_ADDRESS", "0.0.0.0"}, {"INTERNAL_TOKEN", "t"}}, {"--role=gateway,worker"}).starts_with(open));
  CHECK(refusal({{"LISTEN_ADDRESS", "0.0.0.0"}, {"API_TOKEN", "t"}}, {"--role=gateway"}).find("INTERNAL_TOKEN") !=
        std::string::npos);

  CHECK(refusal({{"LISTEN_ADDRESS", "0.0.0.0"}}, {"--check-config"}).starts_with(open));
  CHECK(refusal({{"LISTEN_ADDRESS", "0.0.0.0"}}, {"import", "URL"}).empty());
  CHECK(refusal({{"LISTEN_ADDRESS", "0.0.0.0"}}, {"--health"}).empty());
}

TEST_CASE("PORT moves the port of a single role, and is warned about otherwise", "[config]") {
  const ConfigFolder folder;
  const auto worker = folder.load({"--role=worker"}, {{"PORT", "8080"}});
  REQUIRE(worker.has_value());
  CHECK(worker->warnings.empty());
  CHECK(port_of(worker->config.server, Role::kWorker, {Role::kWorker}) == 8080);

  const auto all = folder.load({"--role=all"}, {{"PORT", "8080"}});
  REQUIRE(all.has_value());
  CHECK(all->warnings == std::vector<std::string>{"PORT (environment) is ignored: it moves the port of a single role; "
                                                  "set GATEWAY_PORT instead"});
  const std::vector<std::pair<Role, int>> ports = {{Role::kGateway, 5000},
                                                   {Role::kImport, 5001},
                                                   {Role::kMetadata, 5002},
                                                   {Role::kStorage, 5003},
                                                   {Role::kWorker, 5004}};
  for (const auto& [role, port] : ports) CHECK(port_of(all->config.server, role, all_roles()) == port);
}

TEST_CASE("the Drive budget follows the host and the kind of credentials", "[config]") {
  DriveConfig drive;
  CHECK(drive_quota_per_minute(drive) == 325'000);
  drive.api_key = "k";
  CHECK(drive_quota_per_minute(drive) == 1'000'000);
  drive.credentials_file = "sa.json";
  CHECK(drive_quota_per_minute(drive) == 325'000);
  drive.api_url = "http://127.0.0.1:9000";
  CHECK(drive_quota_per_minute(drive) == 0);
  drive.api_url = "https://www.googleapis.com.example.org";
  CHECK(drive_quota_per_minute(drive) == 0);
  drive.quota_per_minute = 77;
  CHECK(drive_quota_per_minute(drive) == 77);
}

}  // namespace
}  // namespace imgimport
