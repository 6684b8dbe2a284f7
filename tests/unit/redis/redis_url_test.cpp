#include "redis/redis_url.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace imgimport;

TEST_CASE("REDIS_URL says host, port, database, credentials and TLS", "[redis]") {
  const auto plain = parse_redis_url("redis://cache").value();
  CHECK(plain.host == "cache");
  CHECK(plain.port == 6379);
  CHECK(plain.database == 0);
  CHECK(plain.password.empty());
  CHECK_FALSE(plain.tls);
  CHECK(plain.text() == "cache:6379/0");

  const auto full = parse_redis_url("REDISS://ann:p%40ss%2Fw%3Ard@10.0.0.7:6380/12").value();
  CHECK(full.tls);
  CHECK(full.user == "ann");
  CHECK(full.password == "p@ss/w:rd");
  CHECK(full.host == "10.0.0.7");
  CHECK(full.port == 6380);
  CHECK(full.database == 12);
  CHECK(full.text() == "10.0.0.7:6380/12");

  CHECK(parse_redis_url("redis://:secret@h/").value().password == "secret");
  CHECK(parse_redis_url("redis://:secret@h/").value().user.empty());
  CHECK(parse_redis_url("redis://secret@h").value().password == "secret");
  CHECK(parse_redis_url("redis://:a@b/c?d@h:1/2").value().password == "a@b/c?d");
  const auto six = parse_redis_url("redis://[::1]:7000/1").value();
  CHECK(six.host == "::1");
  CHECK(six.port == 7000);
  CHECK(six.text() == "[::1]:7000/1");
}

TEST_CASE("a REDIS_URL that makes no sense is told by name, without its password", "[redis]") {
  const std::vector<std::string> wrong = {
      "",
      "cache:6379",
      "http://:hunter2@cache",
      "redis://",
      "redis://:hunter2@",
      "redis://:hunter2@cache:",
      "redis://:hunter2@cache:0",
      "redis://:hunter2@cache:65536",
      "redis://:hunter2@cache:6379/first",
      "redis://:hunter2@cache/-1",
      "redis://:hunter2@cache?db=1",
      "redis://:hunter2@[::1",
      "redis://:hunter2@[::1]6379",
      "redis://:hunter2%zz@cache",
      "redis://hunter2:@cache",
  };
  for (const std::string& url : wrong) {
    CAPTURE(url);
    const auto parsed = parse_redis_url(url);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code() == ErrorCode::kMisconfigured);
    CHECK(parsed.error().message().find("REDIS_URL") == 0);
    CHECK_FALSE(parsed.error().remedy().empty());
    CHECK((parsed.error().message() + parsed.error().remedy()).find("hunter2") == std::string::npos);
  }
}
