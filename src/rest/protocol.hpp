// What every call between services carries, beside its JSON: a POST to /internal/v1/<service>/<method> with a bearer
// token (INTERNAL_TOKEN), the request id, the time that is left, and the version of all this.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "imgimport/call_context.hpp"
#include "imgimport/error.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

// Goes up when two versions of the program can no longer understand each other's messages. New fields do not count.
inline constexpr std::string_view kWireVersion = "1";
inline constexpr std::string_view kWireVersionHeader = "X-Imgimport-Wire";
inline constexpr std::string_view kDeadlineHeader = "X-Deadline-Ms";  // milliseconds left when it was sent
inline constexpr std::size_t kMaxMessageBytes = 64u << 20;

// One method of a service: what goes there and what comes back (wire.hpp).
template <class Request, class Answer>
struct ServiceMethod {
  std::string_view path;
  // The second of two equal calls changes nothing and answers the same: it may be sent again when no answer came.
  bool repeatable = false;
};

// An error with all that the caller's code needs, inside the shape that every error of the REST API has.
std::string encode_error(const Error& error, std::string_view request_id);
// nullopt: not an error of a service of ours.
std::optional<Error> decode_error(std::string_view body);

// The HTTP server gives it to the handler as its context's deadline.
void set_deadline(HttpHeaders& headers, const CallContext& context);

}  // namespace imgimport
