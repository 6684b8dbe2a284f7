// What Redis answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "imgimport/error.hpp"

namespace imgimport {

struct RedisReply {
  enum class Kind : std::uint8_t { kNil = 1, kInteger, kText, kError, kArray };
  Kind kind = Kind::kNil;
  std::int64_t integer = 0;          // of kInteger
  std::string text;                  // of kText and kError
  std::vector<RedisReply> elements;  // of kArray

  bool is_nil() const noexcept { return kind == Kind::kNil; }
  bool is_error() const noexcept { return kind == Kind::kError; }
  // The element, or nil where there is none: so that a reply of another shape is seen where it is read.
  const RedisReply& at(std::size_t index) const noexcept;
};

// The class of an error that Redis answered ("NOAUTH Authentication required."), with what to do about it:
//   kMisconfigured  a wrong password or user, a forbidden command, a database that is not there, a server too old, keys
//                   of another program. Remedies name REDIS_URL.
//   kUnavailable    it loads its data, is a replica, is out of memory, or is busy: reason "redis_not_ready"
//   kNotFound       no such consumer group (reason "no_group") or script (reason "no_script")
//   kInternal       anything else: a command of ours is wrong
Error redis_error(std::string_view text);

}  // namespace imgimport
