#include "gateway/parameters.hpp"

#include <catch2/catch.hpp>

namespace imgimport {
namespace {

HttpRequest with_query(std::string name, std::string value) {
  HttpRequest request;
  request.query.emplace_back(std::move(name), std::move(value));
  return request;
}

TEST_CASE("a number outside its range, or none at all, is refused in words", "[gateway]") {
  const std::string text = GENERATE("0", "-1", "501", "abc", "1.5", "1e2", " 1", "+1", "0x10",
                                    "99999999999999999999999", "18446744073709551617");
  const auto number =
      number_parameter(with_query("per_page", text), {.name = "per_page", .most = 500, .otherwise = 50});
  INFO(text);
  REQUIRE_FALSE(number.has_value());
  CHECK(number.error().code() == ErrorCode::kInvalidArgument);
  CHECK_THAT(number.error().message(), Catch::Contains("per_page must be a whole number from 1 to 500"));
}

TEST_CASE("a number within its range is taken, an absent or empty one replaced", "[gateway]") {
  const NumberParameter page{.name = "page", .otherwise = 1};
  CHECK(number_parameter(with_query("page", "9223372036854775807"), page).value() == 9223372036854775807);
  CHECK(number_parameter(HttpRequest{}, page).value() == 1);
  CHECK(number_parameter(with_query("page", ""), page).value() == 1);
  CHECK_THAT(number_parameter(with_query("page", "9223372036854775808"), page).error().message(),
             Catch::StartsWith("page must be a whole number, 1 or greater"));
}

TEST_CASE("a job id is a UUID in any case", "[gateway]") {
  CHECK(job_id_from("123E4567-e89b-42d3-A456-426614174000", "x").value() ==
        JobId("123e4567-e89b-42d3-a456-426614174000"));
  for (const char* text : {"", "42", "123e4567e89b42d3a456426614174000", "123e4567-e89b-42d3-a456-42661417400g",
                           "123e4567-e89b-42d3-a456-4266141740000", "{23e4567-e89b-42d3-a456-42661417400}"}) {
    INFO(text);
    const auto id = job_id_from(text, "The job id");
    REQUIRE_FALSE(id.has_value());
    CHECK_THAT(id.error().message(), Catch::StartsWith("The job id must be a UUID"));
  }
}

TEST_CASE("an image id is a whole number, which an image may have or not", "[gateway]") {
  HttpRequest request;
  request.path_args = {{"id", "17"}};
  CHECK(image_id_argument(request).value() == ImageId(17));
  for (const char* text : {"-3", "x", "", "1/2", "1.0"}) {
    request.path_args = {{"id", text}};
    CHECK(image_id_argument(request).error().code() == ErrorCode::kInvalidArgument);
  }
  for (const char* text : {"0", "9223372036854775808", "99999999999999999999"}) {
    request.path_args = {{"id", text}};
    CHECK(image_id_argument(request).error().code() == ErrorCode::kNotFound);
    CHECK(image_id_argument(request).error().reason() == "no_such_image");
  }
}

TEST_CASE("an image query takes known providers only", "[gateway]") {
  HttpRequest request;
  request.query = {{"storage_provider", "aws"}, {"q", "cat"}, {"job_id", "123e4567-e89b-42d3-a456-426614174000"}};
  const auto query = image_query(request);
  REQUIRE(query.has_value());
  CHECK(query->storage_provider == "aws");
  CHECK(query->text == "cat");
  CHECK(query->job == JobId("123e4567-e89b-42d3-a456-426614174000"));
  CHECK_THAT(image_query(with_query("storage_provider", "ftp")).error().message(),
             Catch::Contains("one of local, aws, azure"));
  CHECK_FALSE(image_query(with_query("job_id", "1")).has_value());
  CHECK_FALSE(image_query(with_query("q", "\xff")).has_value());
  CHECK(image_query(with_query("storage_provider", ""))->storage_provider.empty());
}

TEST_CASE("an item state is one of the known names", "[gateway]") {
  CHECK(state_parameter(with_query("state", "deferred")).value() == ItemState::kDeferred);
  CHECK_FALSE(state_parameter(HttpRequest{}).value().has_value());
  CHECK_THAT(state_parameter(with_query("state", "done")).error().message(),
             Catch::Contains("pending, imported, skipped, deduplicated, failed, deferred, cancelled, ignored"));
}

TEST_CASE("an idempotency key is up to 255 visible characters", "[gateway]") {
  const auto key_of = [](std::string value) {
    HttpRequest request;
    request.headers.set("idempotency-key", std::move(value));
    return idempotency_key(request);
  };
  CHECK(idempotency_key(HttpRequest{}).value().empty());
  CHECK(key_of(std::string(255, 'k')).value().size() == 255);
  for (const std::string& wrong :
       {std::string(), std::string(256, 'k'), std::string("a b"), std::string("caf\u00e9")}) {
    CHECK(key_of(wrong).error().code() == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("a wrong value is quoted back shortened and in valid UTF-8", "[gateway]") {
  const auto error = job_id_from(std::string(5000, 'x'), "The job id").error();
  CHECK(error.message().size() < 300);
  CHECK_THAT(job_id_from("\xff\"<script>", "The job id").error().message(), Catch::Contains("\uFFFD"));
}

}  // namespace
}  // namespace imgimport
