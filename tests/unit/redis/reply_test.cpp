#include "redis/reply.hpp"

#include <catch2/catch.hpp>
#include <string_view>

using namespace imgimport;

TEST_CASE("what Redis refuses is told apart: for a person to mend, for later, or ours", "[redis]") {
  struct Row {
    std::string_view text;
    ErrorCode code;
    std::string_view reason;
  };
  const Row rows[] = {
      {"NOAUTH Authentication required.", ErrorCode::kMisconfigured, "redis_password"},
      {"WRONGPASS invalid username-password pair or user is disabled.", ErrorCode::kMisconfigured, "redis_password"},
      {"ERR AUTH <password> called without any password configured for the default user.", ErrorCode::kMisconfigured,
       "redis_password"},
      {"NOPERM this user has no permissions to run the 'xadd' command", ErrorCode::kMisconfigured, "redis_rights"},
      {"ERR DB index is out of range", ErrorCode::kMisconfigured, "redis_database"},
      {"ERR unknown command 'XAUTOCLAIM', with args beginning with: ", ErrorCode::kMisconfigured, "redis_version"},
      {"WRONGTYPE Operation against a key holding the wrong kind of value", ErrorCode::kMisconfigured, "redis_keys"},
      {"LOADING Redis is loading the dataset in memory", ErrorCode::kUnavailable, "redis_not_ready"},
      {"READONLY You can't write against a read only replica.", ErrorCode::kUnavailable, "redis_not_ready"},
      {"OOM command not allowed when used memory > 'maxmemory'.", ErrorCode::kUnavailable, "redis_not_ready"},
      {"BUSY Redis is busy running a script.", ErrorCode::kUnavailable, "redis_not_ready"},
      {"NOGROUP No such key 'x' or consumer group 'y'", ErrorCode::kNotFound, "no_group"},
      {"NOSCRIPT No matching script. Please use EVAL.", ErrorCode::kNotFound, "no_script"},
      {"ERR syntax error", ErrorCode::kInternal, "redis_error"},
      {"BUSYGROUP Consumer Group name already exists", ErrorCode::kInternal, "redis_error"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const Error error = redis_error(row.text);
    CHECK(error.code() == row.code);
    CHECK(error.reason() == row.reason);
    if (row.code == ErrorCode::kMisconfigured) CHECK_FALSE(error.remedy().empty());
  }
}

TEST_CASE("an element that a reply does not have is nil", "[redis]") {
  RedisReply reply;
  CHECK(reply.at(0).at(7).is_nil());
  reply.kind = RedisReply::Kind::kArray;
  reply.elements.resize(2);
  reply.elements[1].integer = 5;
  CHECK(reply.at(1).integer == 5);
  CHECK(reply.at(2).is_nil());
}
