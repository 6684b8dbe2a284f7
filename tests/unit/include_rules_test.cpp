// Walks include/ and src/ and fails on an #include that the floors of the design do not allow.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Words = std::vector<std::string_view>;

// A folder's floor, what it may see of the project beside the contracts, base and itself, and which libraries its .cpp
// files may include.
struct FolderRule {
  std::string_view folder;
  int floor;
  Words sees;
  Words libraries;  // beginnings of header names
};

const Words kFloor2 = {"crypto", "http_client", "http_server", "db", "imaging", "redis", "rest"};
const Words kEverything = {"config", "crypto",  "http_client", "http_server", "db",       "imaging", "redis",  "rest",
                           "drive",  "storage", "metadata",    "queue",       "importer", "worker",  "gateway"};

const std::vector<FolderRule> kRules = {
    {"base", 1, {}, {"spdlog/"}},
    {"config", 2, {}, {"boost/json", "boost/program_options"}},
    {"crypto", 2, {}, {"openssl/"}},
    {"http_client", 2, {}, {"curl/"}},
    {"http_server", 2, {}, {"boost/asio", "boost/beast", "openssl/"}},
    {"db", 2, {}, {"SQLiteCpp/", "sqlite3.h", "soci/", "soci-"}},
    {"imaging", 2, {}, {"vips/"}},
    {"redis", 2, {}, {"hiredis/"}},
    {"rest", 2, {}, {"boost/json"}},
    {"drive", 3, kFloor2, {"boost/json", "boost/url"}},
    {"storage", 3, kFloor2, {"boost/json"}},
    {"metadata", 3, kFloor2, {"boost/json"}},
    {"queue", 3, kFloor2, {}},
    {"importer", 4, {"crypto", "rest"}, {}},
    {"worker", 4, {"crypto", "rest"}, {}},
    {"gateway", 4, {"crypto", "rest"}, {"boost/json"}},
    {"app", 5, kEverything, {"boost/json"}},
    {"main.cpp", 5, {"app", "config", "base"}, {}},
};

// Headers of the system that are neither C++ nor a library of the list above.
const Words kSystemHeaders = {"arpa/",    "dirent.h",  "dlfcn.h",   "fcntl.h",    "netdb.h",  "netinet/",
                              "poll.h",   "pthread.h", "pwd.h",     "sched.h",    "signal.h", "spawn.h",
                              "stdlib.h", "sys/",      "termios.h", "time.h",     "unistd.h", "linux/",
                              "limits.h", "errno.h",   "string.h",  "execinfo.h", "malloc.h", "cxxabi.h"};

struct Include {
  std::size_t line;
  std::string name;
  bool quoted;
};

std::vector<Include> includes_of(std::string_view text) {
  std::vector<Include> found;
  std::istringstream lines{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::erase_if(line, [](char c) { return c == ' ' || c == '\t'; });
    constexpr std::string_view kDirective = "#include";
    if (!line.starts_with(kDirective) || line.size() <= kDirective.size() + 1) continue;
    const char open = line[kDirective.size()];
    const std::size_t end = line.find(open == '<' ? '>' : '"', kDirective.size() + 1);
    if ((open != '<' && open != '"') || end == std::string::npos) {
      found.push_back({number, line, true});
      continue;
    }
    found.push_back({number, line.substr(kDirective.size() + 1, end - kDirective.size() - 1), open == '"'});
  }
  return found;
}

bool begins_with_any(std::string_view name, const Words& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](auto word) { return name.starts_with(word); });
}
bool contains(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
std::string_view first_part(std::string_view path) {
  return path.substr(0, path.find('/'));
}

// The rule that the include breaks; nullopt: none. `path` is relative to the top of the repository.
using Breach = std::optional<std::string>;

Breach breach_in_contract(const Include& include) {
  if (include.quoted && !include.name.starts_with("imgimport/")) return "a contract includes only contracts";
  const bool standard = include.name.find_first_of("./") == std::string::npos;
  if (include.quoted || standard || include.name == "boost/system/result.hpp") return std::nullopt;
  return "a contract includes only the standard library and boost/system/result.hpp";
}

Breach breach_by_quoted(const FolderRule& rule, const Include& include) {
  const std::string_view target = first_part(include.name);
  if (target == include.name)
    return "a header of the project is included by its folder: \"folder/" + include.name + "\"";
  if (target == "imgimport" || target == "base" || target == rule.folder || contains(rule.sees, target))
    return std::nullopt;
  const bool known =
      std::any_of(kRules.begin(), kRules.end(), [&](const FolderRule& row) { return row.folder == target; });
  if (!known) return "there is no folder src/" + std::string(target);
  return "src/" + std::string(rule.folder) + " (floor " + std::to_string(rule.floor) + ") must not see src/" +
         std::string(target);
}

Breach breach_by_library(const FolderRule& rule, const Include& include, bool in_header) {
  const bool standard = include.name.find_first_of("./") == std::string::npos;
  if (standard || begins_with_any(include.name, kSystemHeaders) || include.name.starts_with("boost/system/"))
    return std::nullopt;
  if (!include.name.starts_with("fmt/") && !begins_with_any(include.name, rule.libraries)) {
    return "src/" + std::string(rule.folder) + " must not use <" + include.name + ">";
  }
  if (in_header) return "a library's header belongs into a .cpp file: <" + include.name + ">";
  return std::nullopt;
}

Breach breach_of(std::string_view path, const Include& include) {
  if (path.starts_with("include/")) return breach_in_contract(include);
  const std::string_view folder = first_part(path.substr(std::string_view("src/").size()));
  const auto rule =
      std::find_if(kRules.begin(), kRules.end(), [&](const FolderRule& row) { return row.folder == folder; });
  if (rule == kRules.end()) return "there is no rule for src/" + std::string(folder) + ": give it a floor";
  if (include.quoted) return breach_by_quoted(*rule, include);
  return breach_by_library(*rule, include, path.ends_with(".hpp"));
}

// "path:line: rule", one for each breach. `header`: its own, as it is included; empty: it has none.
std::vector<std::string> breaches_in(std::string_view path, std::string_view text, std::string_view header = "") {
  std::vector<std::string> found;
  const auto add = [&](const Include& include, const std::string& rule) {
    found.push_back(std::string(path) + ":" + std::to_string(include.line) + ": " + rule);
  };
  const std::vector<Include> includes = includes_of(text);
  if (!header.empty() && (includes.empty() || includes.front().name != header)) {
    add(includes.empty() ? Include{1, "", false} : includes.front(),
        "its own header comes first, which shows that it compiles alone: \"" + std::string(header) + "\"");
  }
  for (const Include& include : includes) {
    if (const Breach breach = breach_of(path, include)) add(include, *breach);
  }
  return found;
}
// As a .cpp of the folder src includes it; empty: there is none.
std::string own_header(const std::filesystem::path& file, const std::filesystem::path& src) {
  std::filesystem::path header = file;
  header.replace_extension(".hpp");
  return file.extension() == ".cpp" && std::filesystem::exists(header) ? header.lexically_relative(src).string() : "";
}

std::string only_breach(std::string_view path, std::string_view text) {
  const auto found = breaches_in(path, text);
  return found.size() == 1 ? found.front() : std::to_string(found.size()) + " breaches";
}

TEST_CASE("the sources keep to the floors", "[include-rules]") {
  const std::filesystem::path top = IMGIMPORT_SOURCE_DIR;
  std::size_t files = 0;
  for (const char* folder : {"include", "src"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top / folder)) {
      const std::string extension = entry.path().extension().string();
      if (!entry.is_regular_file() || (extension != ".hpp" && extension != ".cpp" && extension != ".h")) continue;
      ++files;
      std::ifstream file(entry.path());
      std::ostringstream text;
      text << file.rdbuf();
      const std::string path = entry.path().lexically_relative(top).string();
      for (const std::string& breach : breaches_in(path, text.str(), own_header(entry.path(), top / "src"))) {
        FAIL_CHECK(breach);
      }
    }
  }
  CHECK(files > 400);
}

TEST_CASE("what the floors allow is no breach", "[include-rules]") {
  const std::vector<std::pair<std::string_view, std::string_view>> allowed = {
      {"include/imgimport/x.hpp",
       "#include <vector>\n#include <boost/system/result.hpp>\n#include \"imgimport/y.hpp\"\n"},
      {"src/base/log.cpp", "#include <spdlog/spdlog.h>\n#include <fmt/format.h>\n#include \"base/log.hpp\"\n"},
      {"src/http_server/server.cpp",
       "#include <boost/asio.hpp>\n#include <boost/beast/http.hpp>\n#include <openssl/ssl.h>\n"},
      {"src/drive/list.cpp",
       "#include \"http_client/x.hpp\"\n#include \"crypto/hash.hpp\"\n#include <boost/json.hpp>\n"},
      {"src/metadata/sqlite/store.cpp", "#include \"db/x.hpp\"\n#include \"metadata/x.hpp\"\n"},
      {"src/db/connection.cpp", "#include <SQLiteCpp/Database.h>\n#include <soci/soci.h>\n"},
      {"src/worker/transfer.cpp", "#include \"crypto/sha.hpp\"\n#include \"base/log.hpp\"\n"},
      {"src/app/wiring.cpp", "#include \"drive/x.hpp\"\n#include \"worker/x.hpp\"\n#include <sys/wait.h>\n"},
      {"src/main.cpp", "#include \"app/app.hpp\"\n#include <cstdio>\n"},
      {"src/base/text.hpp", "// #include <curl/curl.h>\n"},
  };
  for (const auto& [path, text] : allowed) {
    INFO(path);
    CHECK(breaches_in(path, text).empty());
  }
}

TEST_CASE("each kind of breach is found, with its line", "[include-rules]") {
  struct Row {
    std::string_view path;
    std::string_view text;
    std::string_view breach;
  };
  const Row rows[] = {
      {"include/imgimport/x.hpp", "\n#include \"base/log.hpp\"\n", ":2: a contract includes only contracts"},
      {"include/imgimport/x.hpp", "#include <boost/json.hpp>\n",
       ":1: a contract includes only the standard library and boost/system/result.hpp"},
      {"include/imgimport/x.hpp", "#include <unistd.h>\n",
       ":1: a contract includes only the standard library and boost/system/result.hpp"},
      {"src/base/log.hpp", "#include <spdlog/spdlog.h>\n",
       ":1: a library's header belongs into a .cpp file: <spdlog/spdlog.h>"},
      {"src/base/log.hpp", "#include <fmt/format.h>\n",
       ":1: a library's header belongs into a .cpp file: <fmt/format.h>"},
      {"src/base/log.cpp", "#include \"config/config.hpp\"\n", ":1: src/base (floor 1) must not see src/config"},
      {"src/crypto/sha.cpp", "#include \"config/config.hpp\"\n", ":1: src/crypto (floor 2) must not see src/config"},
      {"src/drive/list.cpp", "#include \"storage/local/store.hpp\"\n",
       ":1: src/drive (floor 3) must not see src/storage"},
      {"src/drive/list.cpp", "#include \"config/config.hpp\"\n", ":1: src/drive (floor 3) must not see src/config"},
      {"src/metadata/store.cpp", "#include <soci/soci.h>\n", ":1: src/metadata must not use <soci/soci.h>"},
      {"src/drive/list.cpp", "#include <curl/curl.h>\n", ":1: src/drive must not use <curl/curl.h>"},
      {"src/storage/local/store.cpp", "  #  include <openssl/evp.h>\n", ":1: src/storage must not use <openssl/evp.h>"},
      {"src/worker/worker.cpp", "#include \"metadata/sqlite/store.hpp\"\n",
       ":1: src/worker (floor 4) must not see src/metadata"},
      {"src/worker/worker.cpp", "#include \"importer/x.hpp\"\n", ":1: src/worker (floor 4) must not see src/importer"},
      {"src/worker/worker.cpp", "#include \"http_client/x.hpp\"\n",
       ":1: src/worker (floor 4) must not see src/http_client"},
      {"src/gateway/routes.cpp", "#include <boost/beast/http.hpp>\n",
       ":1: src/gateway must not use <boost/beast/http.hpp>"},
      {"src/gateway/routes.hpp", "#include <boost/json.hpp>\n",
       ":1: a library's header belongs into a .cpp file: <boost/json.hpp>"},
      {"src/gateway/routes.cpp", "#include \"app/app.hpp\"\n", ":1: src/gateway (floor 4) must not see src/app"},
      {"src/http_server/server.cpp", "#include \"http_client/x.hpp\"\n",
       ":1: src/http_server (floor 2) must not see src/http_client"},
      {"src/app/app.cpp", "#include <SQLiteCpp/SQLiteCpp.h>\n", ":1: src/app must not use <SQLiteCpp/SQLiteCpp.h>"},
      {"src/queue/queue.cpp", "#include \"queue.hpp\"\n",
       ":1: a header of the project is included by its folder: \"folder/queue.hpp\""},
      {"src/queue/queue.cpp", "#include \"nowhere/queue.hpp\"\n", ":1: there is no folder src/nowhere"},
      {"src/extra/x.cpp", "#include <vector>\n", ":1: there is no rule for src/extra: give it a floor"},
      {"src/storage/thumbnails/x.cpp", "#include <vips/vips.h>\n", ":1: src/storage must not use <vips/vips.h>"},
      {"src/queue/queue.cpp", "#include <libfoo/foo.h>\n", ":1: src/queue must not use <libfoo/foo.h>"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(only_breach(row.path, row.text) == std::string(row.path) + std::string(row.breach));
  }
}

TEST_CASE("a .cpp includes its own header first", "[include-rules]") {
  const std::string path = "src/queue/x.cpp";
  CHECK(breaches_in(path, "#include \"queue/x.hpp\"\n#include <vector>\n", "queue/x.hpp").empty());
  for (const char* text : {"\n#include <vector>\n#include \"queue/x.hpp\"\n", "\n#include <vector>\n"}) {
    const auto found = breaches_in(path, text, "queue/x.hpp");
    REQUIRE(found.size() == 1);
    CHECK(found.front().starts_with(path + ":2: its own header comes first"));
  }
}

}  // namespace
