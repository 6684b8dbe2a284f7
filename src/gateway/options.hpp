// What the gateway needs to know of the configuration. Const after start.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "gateway/verification.hpp"

namespace imgimport {

struct GatewayOptions {
  std::string public_url = "http://localhost:5000";  // how browsers reach the gateway
  std::string public_bucket_url;                     // where the bucket itself is public; empty = it is not
  std::string api_token;                             // empty = the API is open
  bool allow_anonymous = false;                      // open on purpose, also beyond loopback
  std::vector<std::string> cors_origins = {"http://localhost:3000"};  // "*" = any, without cookies

  std::chrono::milliseconds list_wait{10'000};          // how long a submit waits for the listing
  std::chrono::milliseconds thumbnail_timeout{60'000};  // how long a request waits for one that has to be made
  std::chrono::milliseconds call_timeout{30'000};       // of one poll of a job's progress
  std::chrono::milliseconds first_poll{10};             // of a waiting submit; grows up to last_poll
  std::chrono::milliseconds last_poll{250};
  std::chrono::milliseconds event_interval{500};   // of Server-Sent Events
  std::chrono::milliseconds heartbeat{15'000};     // at the latest, a comment on a quiet event stream
  std::chrono::milliseconds ping_interval{5'000};  // of the database, for health()
  std::size_t page_size = 500;                     // records read at once for a streamed answer

  VerificationOptions verification;
  std::size_t most_verifications = 2;  // at once
};

}  // namespace imgimport
