#include "redis/reply.hpp"

#include <algorithm>
#include <array>

namespace imgimport {
namespace {

struct Meaning {
  std::string_view beginning;  // of the error's text
  ErrorCode code;
  std::string_view reason;
  std::string_view remedy;
};

constexpr std::string_view kPassword =
    "Put the right password into REDIS_URL: redis://:password@host:port/db, or redis://user:password@host:port/db";
constexpr std::string_view kRights =
    "Allow the user of REDIS_URL all commands on the keys imgimport:*, e.g. ACL SETUSER name ~imgimport:* +@all";
constexpr std::string_view kDatabase = "Name a database that is there at the end of REDIS_URL: redis://host:port/0";
constexpr std::string_view kVersion = "REDIS_URL must lead to a Redis 6.2 or newer, not to a cluster or a proxy";

// https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors: the first word is the kind; those that
// begin with ERR must be told by their words.
constexpr std::array kMeanings = {
    Meaning{"NOAUTH", ErrorCode::kMisconfigured, "redis_password", kPassword},
    Meaning{"WRONGPASS", ErrorCode::kMisconfigured, "redis_password", kPassword},
    Meaning{"ERR invalid password", ErrorCode::kMisconfigured, "redis_password", kPassword},
    Meaning{"ERR AUTH", ErrorCode::kMisconfigured, "redis_password",
            "This Redis asks for no password: take it out of REDIS_URL"},
    Meaning{"ERR Client sent AUTH", ErrorCode::kMisconfigured, "redis_password",
            "This Redis asks for no password: take it out of REDIS_URL"},
    Meaning{"NOPERM", ErrorCode::kMisconfigured, "redis_rights", kRights},
    Meaning{"ERR The user executing the script", ErrorCode::kMisconfigured, "redis_rights", kRights},
    Meaning{"ERR DB index", ErrorCode::kMisconfigured, "redis_database", kDatabase},
    Meaning{"ERR invalid DB index", ErrorCode::kMisconfigured, "redis_database", kDatabase},
    Meaning{"ERR SELECT is not allowed", ErrorCode::kMisconfigured, "redis_database", kDatabase},
    Meaning{"ERR unknown command", ErrorCode::kMisconfigured, "redis_version", kVersion},
    Meaning{"MOVED", ErrorCode::kMisconfigured, "redis_version", kVersion},
    Meaning{"DENIED", ErrorCode::kMisconfigured, "redis_protected",
            "This Redis is in protected mode: give it a password (requirepass) and put that into REDIS_URL"},
    Meaning{"WRONGTYPE", ErrorCode::kMisconfigured, "redis_keys",
            "Another program uses keys beginning with imgimport: in this database; name another one in REDIS_URL"},
    Meaning{"LOADING", ErrorCode::kUnavailable, "redis_not_ready", ""},
    Meaning{"BUSY ", ErrorCode::kUnavailable, "redis_not_ready", ""},
    Meaning{"READONLY", ErrorCode::kUnavailable, "redis_not_ready", "REDIS_URL leads to a replica"},
    Meaning{"MASTERDOWN", ErrorCode::kUnavailable, "redis_not_ready", ""},
    Meaning{"CLUSTERDOWN", ErrorCode::kUnavailable, "redis_not_ready", ""},
    Meaning{"TRYAGAIN", ErrorCode::kUnavailable, "redis_not_ready", ""},
    Meaning{"NOREPLICAS", ErrorCode::kUnavailable, "redis_not_ready", ""},
    Meaning{"ERR max number of clients", ErrorCode::kUnavailable, "redis_not_ready", "Raise maxclients of this Redis"},
    Meaning{"OOM", ErrorCode::kUnavailable, "redis_not_ready", "This Redis has reached its maxmemory: give it more"},
    Meaning{"MISCONF", ErrorCode::kUnavailable, "redis_not_ready",
            "This Redis cannot save its data: see its log, or switch saving off; nothing here needs it"},
    Meaning{"NOGROUP", ErrorCode::kNotFound, "no_group", ""},
    Meaning{"UNBLOCKED", ErrorCode::kNotFound, "no_group", ""},
    Meaning{"NOSCRIPT", ErrorCode::kNotFound, "no_script", ""},
};

constexpr std::size_t kTextShown = 200;

}  // namespace

const RedisReply& RedisReply::at(std::size_t index) const noexcept {
  static const RedisReply nil;
  return index < elements.size() ? elements[index] : nil;
}

Error redis_error(std::string_view text) {
  // An error inside a script comes with the first word of the command's own error, or behind "ERR ": both are read.
  const auto begins = [&](const Meaning& one) {
    return text.starts_with(one.beginning) || (text.starts_with("ERR ") && text.substr(4).starts_with(one.beginning));
  };
  const auto found = std::find_if(kMeanings.begin(), kMeanings.end(), begins);
  std::string message = "Redis refused: " + std::string(text.substr(0, kTextShown));
  if (found == kMeanings.end()) return Error(ErrorCode::kInternal, std::move(message)).with_reason("redis_error");
  return Error(found->code, std::move(message))
      .with_reason(std::string(found->reason))
      .with_remedy(std::string(found->remedy));
}

}  // namespace imgimport
