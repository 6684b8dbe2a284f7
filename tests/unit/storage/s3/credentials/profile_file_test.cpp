#include "storage/s3/credentials/profile_file.hpp"

#include <catch2/catch.hpp>

#include "unit/storage/s3/credentials/credentials_bench.hpp"

namespace imgimport {
namespace {

AwsProfiles parsed(std::string_view text, AwsFileKind kind) {
  auto profiles = parse_aws_file(text, kind);
  if (!profiles.has_value()) FAIL(profiles.error().message());
  return *profiles;
}
AwsProfiles config(std::string_view text) {
  return parsed(text, AwsFileKind::kConfig);
}
AwsProfiles credentials(std::string_view text) {
  return parsed(text, AwsFileKind::kCredentials);
}
std::string trouble(std::string_view text) {
  const auto profiles = parse_aws_file(text, AwsFileKind::kConfig);
  return profiles.has_value() ? "" : profiles.error().message();
}

TEST_CASE("an empty profiles file has no profiles", "[aws_profile]") {
  CHECK(config("").empty());
  CHECK(config("\n# nothing\n ; here\n\r\n").empty());
  CHECK(config("[default]") == AwsProfiles{{"default", {}}});
}

TEST_CASE("keys are trimmed and lower-case, values keep what is inside", "[aws_profile]") {
  const auto profiles =
      credentials("[ backup ]\nAWS_Access_Key_Id=AKID\n aws = x\nempty =\naws_secret_access_key \t= a/b+c==  \r\n");
  CHECK(profiles.at("backup").at("aws_secret_access_key") == "a/b+c==");
  CHECK(profiles.at("backup").at("aws_access_key_id") == "AKID\naws = x");
  CHECK(profiles.at("backup").at("empty").empty());
}

TEST_CASE("a comment ends a value only behind a blank", "[aws_profile]") {
  const auto profiles = config(
      "# top\n[profile a] ; said at the end\nregion = eu-west-1 # where\nsecret = ab#cd;ef\nother = x\t;y\nnone = #x\n"
      "  # not a part of none\n[profile b]# close by\nregion=us-east-1\n");
  CHECK(profiles.at("a").at("region") == "eu-west-1");
  CHECK(profiles.at("a").at("secret") == "ab#cd;ef");
  CHECK(profiles.at("a").at("other") == "x");
  CHECK(profiles.at("a").at("none").empty());
  CHECK(profiles.at("b").at("region") == "us-east-1");
}

TEST_CASE("a nested block is none of the profile's own settings", "[aws_profile]") {
  const auto profiles =
      config("[default]\ns3 =\n  region = us-gov-east-1\n\n  max_concurrent_requests = 20\nregion = eu-central-1\n");
  CHECK(profiles.at("default").at("region") == "eu-central-1");
  CHECK(profiles.at("default").at("s3").empty());
  CHECK(profiles.at("default").count("max_concurrent_requests") == 0);
}

TEST_CASE("sections of one name are one, and the last of equal keys wins", "[aws_profile]") {
  const auto profiles = config("[profile a]\nx=1\ny=1\nx=2\n[profile b]\n[profile a]\ny=3\nz=4\n");
  CHECK(profiles == AwsProfiles{{"a", {{"x", "2"}, {"y", "3"}, {"z", "4"}}}, {"b", {}}});
}

TEST_CASE("only [default] stands without the word profile in the config file", "[aws_profile]") {
  const auto profiles = config(
      "[plain]\nregion=1\n[sso-session x]\nsso_region=1\n  goes = on\nno equals "
      "here\n[profilex]\nregion=1\n[default]\nregion=2\n"
      "[profile\tspaced  ]\nregion=3\n[profile \"two words\"]\nregion=4\n[profile ]\nregion=5\n");
  CHECK(profiles ==
        AwsProfiles{{"default", {{"region", "2"}}}, {"spaced", {{"region", "3"}}}, {"two words", {{"region", "4"}}}});
}

TEST_CASE("[profile default] silences [default], wherever they stand", "[aws_profile]") {
  const AwsProfiles expected{{"default", {{"region", "good"}}}};
  CHECK(config("[default]\nregion=bad\nx=1\n[profile default]\nregion=good\n") == expected);
  CHECK(config("[profile default]\nregion=good\n[default]\nregion=bad\nx=1\n") == expected);
}

TEST_CASE("the credentials file takes names as they are", "[aws_profile]") {
  CHECK(credentials("[a]\nx=1\n[profile b]\nx=2\n") == AwsProfiles{{"a", {{"x", "1"}}}});
}

TEST_CASE("the credentials file wins over the config file key by key", "[aws_profile]") {
  const auto merged =
      merge_aws_profiles(config("[profile a]\nx=1\ny=1\n[profile b]\nz=1\n"), credentials("[a]\nx=2\n[c]\nw=1\n"));
  CHECK(merged == AwsProfiles{{"a", {{"x", "2"}, {"y", "1"}}}, {"b", {{"z", "1"}}}, {"c", {{"w", "1"}}}});
}

TEST_CASE("a byte order mark and Windows' line ends do no harm", "[aws_profile]") {
  CHECK(config("\xEF\xBB\xBF[default]\r\nregion = x\r\n") == AwsProfiles{{"default", {{"region", "x"}}}});
}

TEST_CASE("what cannot be read is told by its line, and never shown", "[aws_profile]") {
  CHECK(trouble("[default\n") == "line 1 begins with [ and has no ]");
  CHECK(trouble("\nregion = x\n") == "line 2 stands above the first [section]");
  CHECK(trouble("[default]\nSECRETWORD\n") == "line 2 has no = and is no [section]");
  CHECK(trouble("[default]\n= SECRETWORD\n") == "line 2 has nothing before its =");
  CHECK(test::has(trouble("[default]\n  x = SECRETWORD\n"), "line 2 begins with a blank"));
  CHECK(trouble("[default]\ns3 =\n  SECRETWORD\n") == "line 3 belongs to a nested block, and has no =");
  CHECK_FALSE(test::has(trouble("[default]\n  x = SECRETWORD\n"), "SECRETWORD"));
}

}  // namespace
}  // namespace imgimport
