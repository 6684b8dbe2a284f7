// Times in HTTP's headers (RFC 9110, 5.6.7). Pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that servers may send; nullopt for any other.
std::optional<Timestamp> parse_http_date(std::string_view text);
std::string to_http_date(Timestamp time);

// What Retry-After says, in seconds or as a date: how long from `now`, never negative. At most a day, since the journal
// asks again by then. nullopt: it is not there, or cannot be read.
std::optional<std::chrono::milliseconds> retry_after_of(const HttpHeaders& headers, Timestamp now);

}  // namespace imgimport
