#include "config/command_line.hpp"

#include <catch2/catch.hpp>

#include "config_test_support.hpp"

namespace imgimport {
namespace {

Result<CommandLine> parse(const std::vector<std::string>& arguments) {
  return parse_command_line(arguments);
}

std::string message_of(const std::vector<std::string>& arguments) {
  const auto line = parse(arguments);
  return line ? std::string() : line.error().message();
}

TEST_CASE("roles are read in every form", "[config][command-line]") {
  const std::vector<std::vector<std::string>> all_forms = {{"--role=all"},
                                                           {"--role", "all"},
                                                           {"--ROLE=ALL"},
                                                           {"--role=worker,all"},
                                                           {"--role=gateway,import,metadata,storage,worker"}};
  for (const auto& form : all_forms) {
    const auto line = parse(form);
    INFO(form.back());
    REQUIRE(line.has_value());
    CHECK(line->command == Command::kServe);
    CHECK(line->roles == all_roles());
    CHECK(to_string(line->roles) == "all");
  }
  const RoleSet two = {Role::kGateway, Role::kWorker};
  const std::vector<std::vector<std::string>> two_forms = {{"--role=gateway,worker"},
                                                           {"--role=worker", "--role=gateway"},
                                                           {"--role", " worker , gateway,"},
                                                           {"--role=worker,worker,gateway"}};
  for (const auto& form : two_forms) {
    const auto line = parse(form);
    INFO(form.back());
    REQUIRE(line.has_value());
    CHECK(line->roles == two);
    CHECK(to_string(line->roles) == "gateway,worker");
  }
}

TEST_CASE("an unknown role is named, with the roles there are", "[config][command-line]") {
  const auto line = parse({"--role=gateway,workers"});
  CHECK(sentence(line) ==
        "--role: \"workers\" is not a role (did you mean worker?) | "
        "Use one of all, gateway, import, metadata, storage, worker, or several with commas");
  CHECK(message_of({"--role="}) == "--role: \"\" is not a role");
  CHECK(message_of({"--role"}) == "--role needs a value: --role=…");
}

TEST_CASE("a flag without its value is an error, where an empty variable is one that is not set",
          "[config][command-line]") {
  CHECK(message_of({"--role=all", "--gateway-port="}) ==
        "--gateway-port has an empty value: give it one, or leave the flag out");
  CHECK_FALSE(message_of({"--role=all", "--data-dir", ""}).empty());
  CHECK_FALSE(message_of({"import", "x", "--name-glob=[a"}).empty());
  CHECK(message_of({"import", "x", "--name-glob=b-[1-3].{jpg,png}"}).empty());
}

TEST_CASE("neither a role nor a command is an error of its own", "[config][command-line]") {
  const auto line = parse({"--worker-threads=5"});
  REQUIRE_FALSE(line.has_value());
  CHECK(line.error().reason() == "no_command");
  CHECK(message_of({}) == "say what to run: --role=all for the server, or \"import URL\" for one import");
}

TEST_CASE("help and version win over everything, unless behind --", "[config][command-line]") {
  CHECK(parse({"--nonsense", "import", "-h"})->command == Command::kHelp);
  CHECK(parse({"--role=all", "--version"})->command == Command::kVersion);
  CHECK_FALSE(parse({"import", "--", "--help", "--version"}).has_value());
  CHECK(parse({"import", "--", "--help"})->import.folder_url == "--help");
}

TEST_CASE("an import takes its filters under the names of the REST fields", "[config][command-line]") {
  const auto line =
      parse({"import", "https://drive.google.com/drive/folders/abc", "--dry-run", "--json", "--recursive=false",
             "--min-size=200KB", "--max_size", "2MiB", "--mime-types=image/JPEG,image/*", "--name-glob=IMG_*",
             "--min-width=640", "--min-height=480", "--taken-after=2024-05-31", "--taken-before=2024-06-01T18:30:00",
             "--modified-after=2024-05-31", "--modified-before=2024-05-31T18:30:00+02:00"});
  INFO(sentence(line));
  REQUIRE(line.has_value());
  CHECK(line->command == Command::kImport);
  CHECK(line->json);
  const ImportRequest& request = line->import;
  CHECK(request.folder_url == "https://drive.google.com/drive/folders/abc");
  CHECK(request.dry_run);
  CHECK_FALSE(request.recursive);
  CHECK(request.filters.min_size == 200'000u);
  CHECK(request.filters.max_size == 2u << 20);
  CHECK(request.filters.mime_types == std::vector<std::string>{"image/jpeg", "image/*"});
  CHECK(request.filters.name_glob == "IMG_*");
  CHECK(request.filters.min_width == 640);
  CHECK(request.filters.min_height == 480);
  CHECK(request.filters.taken_after == "2024-05-31");
  CHECK(request.filters.taken_before == "2024-06-01T18:30:00");
  const auto hours = *request.filters.modified_before - *request.filters.modified_after;
  CHECK(hours == std::chrono::hours(16) + std::chrono::minutes(30));
  const auto whole_day = parse({"import", "URL", "--modified-after=2024-05-31", "--modified-before=2024-05-31"});
  REQUIRE(whole_day.has_value());
  CHECK(whole_day->import.filters.modified_before == from_rfc3339("2024-05-31T23:59:59.999Z"));
}

TEST_CASE("an argument that does not parse is named with what is expected", "[config][command-line]") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"--min-size=big", "--min-size: \"big\" is not a size such as 200000, 200KB or 2MiB"},
      {"--min-size=99999999999GB", "--min-size: \"99999999999GB\" is not a size such as 200000, 200KB or 2MiB"},
      {"--min-width=-5", "--min-width: \"-5\" is not a whole number of pixels"},
      {"--min-width=3000000000", "--min-width: \"3000000000\" is not a whole number of pixels"},
      {"--taken-after=31.5.2024",
       "--taken-after: \"31.5.2024\" is not a date such as 2024-05-31 or 2024-05-31T18:30:00"},
      {"--taken-after=2024-13-41",
       "--taken-after: \"2024-13-41\" is not a date such as 2024-05-31 or 2024-05-31T18:30:00"},
      {"--modified-after=yesterday",
       "--modified-after: \"yesterday\" is not a time such as 2024-05-31 (UTC) or 2024-05-31T18:30:00+02:00"},
      {"--mime-types=jpeg", "--mime-types: \"jpeg\" is not types such as image/jpeg,image/png"},
      {"--recursive=maybe", "--recursive: \"maybe\" is not true or false"},
      {"--json=yes", "--json takes no value"},
  };
  for (const auto& [argument, expected] : rows) CHECK(message_of({"import", "URL", argument}) == expected);
}

TEST_CASE("bounds that no image can meet together are refused by their flags", "[config][command-line]") {
  CHECK(message_of({"import", "URL", "--min-size=10", "--max-size=5"}) ==
        "--min-size is greater than --max-size, so that no image could pass");
  CHECK(message_of({"import", "URL", "--taken-before=2024-05-01", "--taken-after=2024-05-02"}) ==
        "--taken-after is later than --taken-before, so that no image could pass");
  CHECK(message_of({"import", "URL", "--modified-after=2024-05-02", "--modified-before=2024-05-01"}) ==
        "--modified-after is later than --modified-before, so that no image could pass");
  CHECK(parse_command_line(std::vector<std::string>{"import", "URL", "--min-size=5", "--max-size=5"}).has_value());
}

TEST_CASE("a slip in a flag, command or argument is named, with the nearest right one", "[config][command-line]") {
  CHECK(message_of({"--role=all", "--worker-thread=5"}) ==
        "unknown flag --worker-thread (did you mean --worker-threads?)");
  CHECK(message_of({"--rol=all"}) == "unknown flag --rol (did you mean --role?)");
  CHECK(message_of({"--xyzzy-plugh-quux=1"}) == "unknown flag --xyzzy-plugh-quux");
  CHECK(message_of({"-v"}) == "unknown flag -v");
  CHECK(message_of({"improt", "URL"}) == "\"improt\" is not a command (did you mean import?)");
  CHECK(message_of({"https://drive.google.com/x"}) ==
        "\"https://drive.google.com/x\" is not a command (did you mean imgimport import URL?)");
  CHECK(message_of({"import", "A", "B"}) == "unexpected argument \"B\"");
  CHECK(message_of({"migrate", "A", "--to=sqlite:///x"}) == "unexpected argument \"A\"");
  CHECK(message_of({"import"}) == "import needs the link of a Drive folder: imgimport import URL");
  CHECK(message_of({"verify"}) == "verify needs the id of a job: imgimport verify JOB");
  CHECK(message_of({"migrate"}) == "migrate needs the database to copy to: imgimport migrate --to=URL");
  CHECK(message_of({"import", "URL", "--role=all"}) == "--role does not go with \"import\"");
  CHECK(message_of({"--role=all", "--dry-run"}) == "--dry-run does not go with --role");
  CHECK(message_of({"status", "--min-size=5"}) == "--min-size does not go with \"status\"");
  CHECK(message_of({"--check-config", "--print-plan"}) ==
        "\"--check-config\" and \"--print-plan\" cannot be run at once");
  CHECK(message_of({"--check-config=yes"}) == "--check-config takes no value");
  CHECK(message_of({"--role=all", "--google-api-key", "--api-token=x"}) ==
        "--google-api-key needs a value: --google-api-key=…");
}

TEST_CASE("a database URL that does not parse is not shown, for it may hold a password", "[config][command-line]") {
  const std::string message = message_of({"migrate", "--to=mysql://user:hunter2@host/db"});
  CHECK(message == "--to: \"***\" is not sqlite:///path, postgresql://… or mssql://…");
}

TEST_CASE("the other commands carry their arguments", "[config][command-line]") {
  CHECK(parse({"verify", "job-1", "--json"})->job == "job-1");
  CHECK(parse({"status"})->url.empty());
  CHECK(parse({"status", "http://h:1"})->url == "http://h:1");
  CHECK(parse({"migrate", "--to", "sqlite:///x.db"})->url == "sqlite:///x.db");
  CHECK(parse({"--health"})->url.empty());
  CHECK(parse({"--health=http://h:1/health"})->url == "http://h:1/health");
  CHECK(parse({"--health", "--role=worker"})->roles == RoleSet{Role::kWorker});
  CHECK(parse({"--check-config"})->roles == all_roles());
  CHECK(parse({"--print-plan", "--role=import"})->command == Command::kPrintPlan);
  CHECK(parse({"--role=all", "--config", "x.json"})->config_file == std::filesystem::path("x.json"));
}

TEST_CASE("a setting's flag takes its value with = or as the next word; a yes-or-no one needs none",
          "[config][command-line]") {
  const auto line =
      parse({"--role=all", "--worker-threads", "5", "--Batch_Size=7", "--allow-anonymous", "--api-token=a=b"});
  REQUIRE(line.has_value());
  REQUIRE(line->settings.size() == 4);
  CHECK(line->settings[0].setting->variable == "WORKER_THREADS");
  CHECK(line->settings[0].text == "5");
  CHECK(line->settings[1].text == "7");
  CHECK(line->settings[2].text == "true");
  CHECK(line->settings[3].text == "a=b");
}

}  // namespace
}  // namespace imgimport
