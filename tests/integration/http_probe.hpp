// A small blocking HTTP client on a bare socket, for tests that must see exactly what a server sends: one connection for
// each request, no retries, nothing hidden.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace imgimport {

struct ProbeReply {
  int status = 0;                              // 0: no answer
  std::map<std::string, std::string> headers;  // lower-case names
  std::string body;
  bool whole = false;      // all of the announced Content-Length (or the last chunk) came
  bool timed_out = false;  // the server fell silent
};

struct ProbeRequest {
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds patience{10'000};  // without a byte from the server
};

ProbeReply probe(std::uint16_t port, const ProbeRequest& request);
ProbeReply probe(std::uint16_t port, const std::string& target);

}  // namespace imgimport
