// Where Redis is, as REDIS_URL says it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "imgimport/result.hpp"

namespace imgimport {

struct RedisAddress {
  std::string host;  // a name or an address; no brackets
  std::uint16_t port = 6379;
  std::string user;  // of Redis's access control; empty = "default"
  std::string password;
  std::int32_t database = 0;
  bool tls = false;

  // "host:port/db", fit for logs.
  std::string text() const;
};

// redis://[[user]:password@]host[:port][/db], rediss:// for TLS; user and password may be percent-encoded. (The scheme
// as registered: https://www.iana.org/assignments/uri-schemes/prov/redis) A lone word before the @ is a password, as
// many services hand it out. kMisconfigured: names REDIS_URL and what is wrong in it, never the password. Pure.
Result<RedisAddress> parse_redis_url(std::string_view url);

}  // namespace imgimport
