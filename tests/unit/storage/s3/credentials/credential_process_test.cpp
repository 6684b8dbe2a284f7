#include "storage/s3/credentials/credential_process.hpp"

#include <catch2/catch.hpp>
#include <stop_token>
#include <thread>

#include "base/text.hpp"
#include "storage/s3/credentials/answers.hpp"
#include "storage/s3/credentials/command_line.hpp"
#include "support/temp_dir.hpp"
#include "unit/storage/s3/credentials/credentials_bench.hpp"

namespace imgimport {
namespace {

using test::has;
using test::shown;
using test::text_of;
using Words = std::vector<std::string>;

const Timestamp kNow = *from_rfc3339("2026-01-02T03:04:05Z");
constexpr std::chrono::seconds kLong{20};

Result<std::string> shell(const std::string& script, std::chrono::milliseconds limit = kLong,
                          const CallContext& context = {}) {
  return run_program(context, {"sh", "-c", script}, limit);
}

TEST_CASE("a command line is taken apart as a shell does", "[credential_process]") {
  CHECK(split_command_line("/opt/x --a  b\tc") == Words{"/opt/x", "--a", "b", "c"});
  CHECK(split_command_line(R"("/Program Files/x" 'a "b" \c' d"e"'f')") ==
        Words{"/Program Files/x", R"(a "b" \c)", "def"});
  CHECK(split_command_line(R"(a\ b "c\"d\\e\f" '' "")") == Words{"a b", R"(c"d\e\f)", "", ""});
  CHECK(split_command_line("x $HOME ~ *") == Words{"x", "$HOME", "~", "*"});
  CHECK(split_command_line("  ") == Words{});
  CHECK(split_command_line("'a") == std::nullopt);
  CHECK(split_command_line("\"a\\\"") == std::nullopt);
  CHECK(split_command_line("a\\") == std::nullopt);
}

TEST_CASE("a program's output is read whole, and its errors are not", "[credential_process]") {
  CHECK(text_of(shell("echo out; echo err >&2; cat")) == "out\n");
  CHECK(shell("head -c 65536 /dev/zero")->size() == 65'536);
}

TEST_CASE("what a program leaves behind does not hold its output up", "[credential_process]") {
  CHECK(text_of(shell("echo done; sleep 100 & exit 0")) == "done\n");
}

TEST_CASE("a program that fails is no credentials", "[credential_process]") {
  CHECK(shell("exit 3").error().message() == "it ended with code 3");
  CHECK(shell("kill -9 $$").error().message() == "signal 9 ended it");
  CHECK(run_program({}, {"/nowhere/program"}, kLong).error().code() == ErrorCode::kMisconfigured);
  CHECK(shell("exit 3").error().code() == ErrorCode::kMisconfigured);
}

TEST_CASE("a program that prints without end is stopped", "[credential_process]") {
  CHECK(shell("exec cat /dev/zero").error().code() == ErrorCode::kTooLarge);
}

TEST_CASE("a program that does not end is stopped, with its children", "[credential_process]") {
  const TempDir folder;
  const std::string pid_file = (folder.path() / "pid").string();
  const auto output =
      shell("sleep 1000 & echo $! > " + pid_file + ".new; mv " + pid_file + ".new " + pid_file + "; wait",
            std::chrono::milliseconds(600));
  CHECK(output.error().code() == ErrorCode::kUnavailable);
  pid_t child = 0;
  std::ifstream(pid_file) >> child;
  REQUIRE(child > 0);
  // A killed child is reaped by init, or stays a zombie where there is none: its state is then Z.
  std::string state;
  for (int i = 0; i < 1000; ++i) {
    std::ifstream status("/proc/" + std::to_string(child) + "/stat");
    std::string pid;
    std::string name;
    state.clear();
    if (!(status >> pid >> name >> state) || state == "Z") break;
    std::this_thread::yield();
  }
  CHECK((state.empty() || state == "Z"));
}

TEST_CASE("a cancelled call stops the program", "[credential_process]") {
  std::stop_source stop;
  CallContext context;
  context.stop = stop.get_token();
  const std::jthread canceller([&] { stop.request_stop(); });
  CHECK(shell("exec sleep 1000", kLong, context).error().code() == ErrorCode::kCancelled);
}

TEST_CASE("what a program prints becomes credentials", "[credential_process]") {
  const auto credentials = parse_process_output(
      R"({"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-01-02T04:00:00Z"})",
      kNow);
  CHECK(*credentials == AwsCredentials{"AKID", "s", "t", from_rfc3339("2026-01-02T04:00:00Z")});
  const auto lasting = parse_process_output(R"({"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"s"})", kNow);
  CHECK(*lasting == AwsCredentials{"AKID", "s", "", std::nullopt});
}

TEST_CASE("output of another form is refused without a piece of it", "[credential_process]") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", "JSON"},
      {"SECRETWORD", "JSON"},
      {"[\"SECRETWORD\"]", "JSON"},
      {R"({"AccessKeyId":"AKID","SecretAccessKey":"SECRETWORD"})", "Version"},
      {R"({"Version":2,"AccessKeyId":"AKID","SecretAccessKey":"SECRETWORD"})", "Version"},
      {R"({"Version":1,"SecretAccessKey":"SECRETWORD"})", "lacks"},
      {R"({"Version":1,"AccessKeyId":7,"SecretAccessKey":"SECRETWORD"})", "lacks"},
      {R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"SECRETWORD","Expiration":"soon"})", "Expiration"},
      {R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"SECRETWORD","Expiration":"2026-01-02T03:04:05Z"})",
       "expired"},
  };
  for (const auto& [output, word] : rows) {
    INFO(output);
    const auto credentials = parse_process_output(output, kNow);
    REQUIRE_FALSE(credentials.has_value());
    CHECK(credentials.error().code() == ErrorCode::kMisconfigured);
    CHECK(has(credentials.error().message(), word));
    CHECK_FALSE(has(shown(credentials.error()), "SECRETWORD"));
  }
}

TEST_CASE("credential_process gives credentials, or says whose it is", "[credential_process]") {
  const std::string good = R"(sh -c 'echo "{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"s\"}"')";
  CHECK(credentials_from_process({}, "a", good, kNow)->access_key_id == "AKID");

  const auto bad = credentials_from_process({}, "back up", "sh -c 'exit 4' --password SECRETWORD", kNow);
  REQUIRE_FALSE(bad.has_value());
  CHECK(bad.error().code() == ErrorCode::kMisconfigured);
  CHECK(bad.error().reason() == "credential_process_failed");
  CHECK(bad.error().message() ==
        "credential_process of the AWS profile \"back up\" gives no credentials: it ended with code 4");
  CHECK_FALSE(has(shown(bad.error()), "SECRETWORD"));
  CHECK(has(credentials_from_process({}, "a", "x 'SECRETWORD", kNow).error().message(), "quote"));
  CHECK(has(credentials_from_process({}, "a", "/nowhere/x", kNow).error().message(), "cannot be started"));
}

TEST_CASE("what others say is shown on one line, bounded, without secrets", "[credential_process]") {
  CHECK(printable("a SECRET b SECRET\nc", {"SECRET", ""}) == "a *** b *** c");
  CHECK(printable(std::string(400, 'x')) == std::string(300, 'x') + "…");
  CHECK(printable(std::string(299, 'x') + "é") == std::string(299, 'x') + "…");
  CHECK(is_valid_utf8(printable("\xff\xfe")));
}

}  // namespace
}  // namespace imgimport
