#include "storage/s3/credentials/shared_files.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "support/temp_dir.hpp"
#include "unit/storage/s3/credentials/credentials_bench.hpp"

namespace imgimport {
namespace {

using test::environment_of;
using test::has;
using test::write_file;

TEST_CASE("the files are those of the home folder, and the profile is default", "[aws_profile]") {
  const TempDir home;
  write_file(home.path() / ".aws/config", "[default]\nregion=eu-west-3\n");
  write_file(home.path() / ".aws/credentials", "[default]\naws_access_key_id=AKID\n");
  const auto files = load_aws_shared_files(environment_of({{"HOME", home.path().string()}}));
  REQUIRE(files.has_value());
  CHECK(files->profile == "default");
  CHECK_FALSE(files->chosen);
  CHECK(files->profiles == AwsProfiles{{"default", {{"aws_access_key_id", "AKID"}, {"region", "eu-west-3"}}}});
}

TEST_CASE("variables name other files and another profile", "[aws_profile]") {
  const TempDir home;
  write_file(home.path() / "my config", "[profile a]\nx=1\n");
  const std::string credentials = write_file(home.path() / "other/credentials", "[a]\ny=2\n");
  const auto files = load_aws_shared_files(environment_of({{"HOME", home.path().string()},
                                                           {"AWS_CONFIG_FILE", "~/my config"},
                                                           {"AWS_SHARED_CREDENTIALS_FILE", credentials},
                                                           {"AWS_PROFILE", "a"},
                                                           {"AWS_DEFAULT_PROFILE", "b"}}));
  REQUIRE(files.has_value());
  CHECK(files->profile == "a");
  CHECK(files->chosen);
  CHECK(files->profiles == AwsProfiles{{"a", {{"x", "1"}, {"y", "2"}}}});
}

TEST_CASE("without a home and files there are no profiles, and that is no error", "[aws_profile]") {
  const TempDir home;
  CHECK(load_aws_shared_files(environment_of({}))->profiles.empty());
  CHECK(load_aws_shared_files(environment_of({{"HOME", home.path().string()}}))->profiles.empty());
  CHECK(
      load_aws_shared_files(environment_of({{"AWS_CONFIG_FILE", (home.path() / "gone").string()}, {"AWS_PROFILE", ""}}))
          ->profiles.empty());
}

TEST_CASE("a file that somebody asked for must be readable", "[aws_profile]") {
  const TempDir home;
  std::filesystem::create_directories(home.path() / ".aws/config");
  const std::string folder = home.path().string();
  const auto unasked = load_aws_shared_files(environment_of({{"HOME", folder}}));
  REQUIRE(unasked.has_value());
  CHECK(has(unasked->not_readable, ".aws/config"));

  const auto asked = load_aws_shared_files(environment_of({{"AWS_CONFIG_FILE", folder}}));
  REQUIRE_FALSE(asked.has_value());
  CHECK(asked.error().code() == ErrorCode::kMisconfigured);
  CHECK(has(asked.error().message(), folder));
  CHECK(has(asked.error().remedy(), "AWS_CONFIG_FILE"));
  CHECK_FALSE(load_aws_shared_files(environment_of({{"HOME", folder}, {"AWS_PROFILE", "x"}})).has_value());
}

TEST_CASE("a broken file is told by its name and line", "[aws_profile]") {
  const TempDir home;
  const std::string path = write_file(home.path() / "credentials", "[a]\naws_secret_access_key SECRETWORD\n");
  const auto files = load_aws_shared_files(environment_of({{"AWS_SHARED_CREDENTIALS_FILE", path}}));
  REQUIRE_FALSE(files.has_value());
  CHECK(files.error().code() == ErrorCode::kMisconfigured);
  CHECK(files.error().message() == "the AWS profiles file " + path + ": line 2 has no = and is no [section]");
}

TEST_CASE("the region is AWS_DEFAULT_REGION's, else the profile's", "[aws_profile]") {
  const TempDir home;
  const std::string path = write_file(home.path() / "config", "[default]\nregion=\n[profile a]\nregion=sa-east-1\n");
  CHECK(profile_region(environment_of({{"AWS_CONFIG_FILE", path}, {"AWS_PROFILE", "a"}})) == "sa-east-1");
  CHECK(profile_region(environment_of(
            {{"AWS_CONFIG_FILE", path}, {"AWS_PROFILE", "a"}, {"AWS_DEFAULT_REGION", "us-west-2"}})) == "us-west-2");
  CHECK(profile_region(environment_of({{"AWS_CONFIG_FILE", path}})) == std::nullopt);
  CHECK(profile_region(environment_of({{"AWS_CONFIG_FILE", path}, {"AWS_PROFILE", "b"}})) == std::nullopt);
  CHECK(profile_region(environment_of({{"AWS_CONFIG_FILE", write_file(home.path() / "bad", "x")}})) == std::nullopt);
}

TEST_CASE("a small file is read whole, a large one not at all", "[aws_profile]") {
  const TempDir home;
  const std::string path = write_file(home.path() / "file", std::string(20'000, 'x'));
  CHECK(test::text_of(read_small_file(path, 20'000)) == std::string(20'000, 'x'));
  CHECK(read_small_file(path, 19'999).error().code() == ErrorCode::kTooLarge);
  CHECK(read_small_file(path + "/below", 10).error().code() == ErrorCode::kNotFound);
  CHECK(read_small_file(home.path(), 10).error().code() == ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace imgimport
