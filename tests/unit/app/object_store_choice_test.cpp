#include "app/object_store_choice.hpp"

#include <catch2/catch.hpp>

namespace imgimport {
namespace {

TEST_CASE("a region that is set wins over the environment's, be it the default one", "[app]") {
  const EnvironmentLookup environment = [](std::string_view name) {
    return name == "AWS_DEFAULT_REGION" ? std::optional<std::string>("eu-west-3") : std::nullopt;
  };
  const EnvironmentLookup nothing = [](std::string_view name) {
    return name == "AWS_CONFIG_FILE" ? std::optional<std::string>("/dev/null") : std::nullopt;
  };
  AwsConfig aws;
  CHECK(s3_region(aws, environment) == "eu-west-3");
  CHECK(s3_region(aws, nothing) == "us-east-1");
  aws.region = "us-east-1";
  CHECK(s3_region(aws, environment) == "us-east-1");
}

}  // namespace
}  // namespace imgimport
