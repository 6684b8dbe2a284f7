#include "config/settings.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "config/config_file.hpp"
#include "config/describe.hpp"
#include "config_test_support.hpp"

namespace imgimport {
namespace {

const std::filesystem::path kTop = IMGIMPORT_SOURCE_DIR;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  REQUIRE(file.good());
  return text.str();
}

// A valid value other than the default, so that a setting bound to another's field is noticed.
std::string sample_of(const Setting& setting) {
  for (std::string_view candidate : {"https://sample.example", "redis://sample", "sqlite:///sample", "127.0.0.9", "33",
                                     "true", "azure", "error", "json", "7m", "sample"}) {
    Config config;
    if (setting.read(config, candidate) && !(config == Config{})) return std::string(candidate);
  }
  return {};
}

TEST_CASE("every row of the table is bound to a field of its own and reads back what it wrote", "[config]") {
  std::set<std::string> seen;
  for (const Setting& setting : settings()) {
    INFO(setting.variable);
    CHECK(seen.insert(std::string(setting.variable)).second);
    const std::string sample = sample_of(setting);
    REQUIRE_FALSE(sample.empty());
    Config config;
    REQUIRE(setting.read(config, sample));
    const std::string written = setting.write(config);
    Config again;
    REQUIRE(setting.read(again, written));
    CHECK(again == config);
    for (const Setting& other : settings()) {
      if (&other == &setting) continue;
      INFO(other.variable);
      CHECK(other.write(config) == other.write(Config{}));
    }
  }
}

TEST_CASE("config/default.json lists every setting with its compiled default", "[config]") {
  const std::string text = text_of(kTop / "config/default.json");
  const auto entries = parse_config_file(text);
  INFO(sentence(entries));
  REQUIRE(entries.has_value());
  std::set<std::string_view> listed;
  Config config;
  for (const FileEntry& entry : *entries) {
    INFO(entry.setting->variable);
    listed.insert(entry.setting->variable);
    CHECK(entry.text == entry.setting->write(Config{}));
    if (!entry.text.empty()) CHECK(entry.setting->read(config, entry.text));
  }
  for (const Setting& setting : settings()) {
    INFO(setting.variable);
    CHECK(listed.contains(setting.variable));
  }
  CHECK(config == Config{});
}

TEST_CASE("config/default.json is plain JSON with values of the settings' own kinds", "[config]") {
  const auto root = boost::json::parse(text_of(kTop / "config/default.json"));
  for (const Setting& setting : settings()) {
    INFO(setting.path());
    const auto& value = root.at(std::string(setting.group)).at(setting.key());
    const bool unset = setting.write(Config{}).empty();
    switch (setting.json) {
      case JsonKind::kText:
        CHECK(value.is_string());
        break;
      case JsonKind::kNumber:
        CHECK((value.is_int64() || (unset && value.is_null())));
        break;
      case JsonKind::kFlag:
        CHECK(value.is_bool());
        break;
      case JsonKind::kList:
        CHECK(value.is_array());
        break;
    }
  }
}

TEST_CASE(".env.example names every setting with its default, and nothing else", "[config]") {
  std::string text = text_of(kTop / ".env.example");
  // A line of "#NAME=default" is a setting that is left at its default.
  std::string uncommented;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool commented_setting = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    uncommented += (commented_setting ? line.substr(1) : line) + "\n";
  }
  const auto entries = parse_dotenv(uncommented, {});
  INFO(sentence(entries));
  REQUIRE(entries.has_value());
  std::set<std::string> named;
  for (const DotenvEntry& entry : *entries) {
    INFO(entry.name);
    const Setting* setting = find_setting(entry.name);
    REQUIRE(setting != nullptr);
    named.insert(entry.name);
    CHECK(entry.value == setting->write(Config{}));
  }
  CHECK(named.size() == settings().size());
}

TEST_CASE("the help names every setting, every flag of import and every default within 100 columns", "[config]") {
  const std::string help = help_text();
  for (const Setting& setting : settings()) {
    INFO(setting.variable);
    CHECK(help.find("  " + std::string(setting.variable) + " ") != std::string::npos);
    const std::string fixed = setting.write(Config{});
    if (!fixed.empty()) CHECK(help.find("[" + fixed + "]") != std::string::npos);
  }
  for (const OptionHelp& option : option_helps()) {
    INFO(option.form);
    if (option.command != Command::kHelp) CHECK(help.find(option.form) != std::string::npos);
  }
  for (std::string_view call : {"--role=all", "import URL", "verify JOB", "status [URL]", "migrate --to=URL",
                                "--check-config", "--print-plan", "--health[=URL]", "--version", "--config=PATH"}) {
    INFO(call);
    CHECK(help.find(call) != std::string::npos);
  }
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
    INFO(line);
    CHECK(columns <= 100);
  }
}

TEST_CASE("no secret shows in the configuration's text, in warnings or in errors", "[config]") {
  const std::string secret = "hunter2";
  for (const Setting& setting : settings()) {
    INFO(setting.variable);
    if (setting.secrecy != Secrecy::kSecret) continue;
    LoadedConfig loaded;
    REQUIRE(setting.read(loaded.config, secret));
    loaded.origins[setting.variable] = "environment";
    const std::string text = config_text(loaded);
    CHECK(text.find(secret) == std::string::npos);
    CHECK(text.find("*** (environment)") != std::string::npos);
    CHECK(setting.shown(secret) == "***");
  }
  const std::string broken_token = sentence(ConfigFolder().load({"--role=all", "--api-token=hunter2 hunter2"}));
  CHECK(broken_token.starts_with("API_TOKEN (--api-token): \"***\" is not visible ASCII"));
}

TEST_CASE("a key in the place of its file's path is not shown, a path is", "[config]") {
  const Setting& file = *find_setting("GOOGLE_APPLICATION_CREDENTIALS");
  const std::string key = R"({"type": "service_account", "private_key": "hunter2"})";
  CHECK(file.shown(key) == "***");
  CHECK(file.shown(" " + key) == "***");
  CHECK(file.shown("\"hunter2\"") == "***");
  CHECK(file.shown(std::string(2'000, 'A')) == "***");  // base64
  CHECK(file.shown("/etc/secrets/account 1.json") == "/etc/secrets/account 1.json");
  CHECK(file.shown("").empty());
  const auto loaded = ConfigFolder().load({"--check-config"}, {{"GOOGLE_APPLICATION_CREDENTIALS", key}});
  REQUIRE(loaded.has_value());
  CHECK(config_text(*loaded).find("hunter2") == std::string::npos);
  // It may lie on several lines, which no path does.
  const auto refused = ConfigFolder().load({"--check-config"}, {{"GOOGLE_APPLICATION_CREDENTIALS", "{\n\"hunter2\"}"}});
  CHECK(sentence(refused).starts_with("GOOGLE_APPLICATION_CREDENTIALS (environment): \"***\" is not a path"));
}

TEST_CASE("every setting that carries a password, key or token is marked as a secret", "[config]") {
  for (const Setting& setting : settings()) {
    INFO(setting.variable);
    const std::string_view name = setting.variable;
    for (std::string_view word : {"KEY_ID", "API_KEY", "SECRET", "TOKEN", "PASSWORD", "CONNECTION_STRING"}) {
      if (name.find(word) != std::string_view::npos) CHECK(setting.secrecy == Secrecy::kSecret);
    }
    if (name.ends_with("_URL") || name.find("ENDPOINT") != std::string_view::npos)
      CHECK(setting.secrecy == Secrecy::kUrl);
  }
}

TEST_CASE("a URL is shown without what may be a password, valid or not", "[config]") {
  const Setting& url = *find_setting("DATABASE_URL");
  CHECK(url.shown("postgresql://user:hunter2@host:5432/db") == "postgresql://***@host:5432/db");
  CHECK(url.shown("postgresql://user:hun/ter@2@host/db?password=x") == "postgresql://***@host/db?***");
  CHECK(url.shown("mssql://host;PWD=hunter2") == "mssql://host;***");
  CHECK(url.shown("user:hunter2@host") == "***@host");
  CHECK(url.shown("sqlite:///data/x.db") == "sqlite:///data/x.db");
  CHECK(sentence(ConfigFolder().load({"--role=all"}, {{"REDIS_URL", "http://:hunter2@h"}})).find("hunter2") ==
        std::string::npos);
}

TEST_CASE("--check-config shows each value with where it comes from", "[config]") {
  const ConfigFolder folder;
  folder.write(".env", "BATCH_SIZE=9\n");
  const auto loaded = folder.load({"--check-config", "--worker-threads=5"}, {{"GOOGLE_API_KEY", "hunter2"}});
  REQUIRE(loaded.has_value());
  const std::string text = config_text(*loaded);
  const auto shows = [&](std::string_view name, std::string_view rest) {
    const std::size_t at = text.find("  " + std::string(name) + " ");
    if (at == std::string::npos) return false;
    const std::string line = text.substr(at, text.find('\n', at) - at);
    return line.ends_with("  " + std::string(rest));
  };
  CHECK(shows("BATCH_SIZE", "9 (.env line 1)"));
  CHECK(shows("WORKER_THREADS", "5 (--worker-threads)"));
  CHECK(shows("GOOGLE_API_KEY", "*** (environment)"));
  CHECK(shows("MAX_ATTEMPTS", "5 (default)"));
  CHECK(shows("API_TOKEN", "not set (default)"));
  for (const Setting& setting : settings()) CHECK(text.find(setting.variable) != std::string::npos);
}

}  // namespace
}  // namespace imgimport
