// Requests to Drive v3: the URL, the credentials, one new try with a new token after a 401, and refusals as Errors.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "drive/access_token.hpp"
#include "drive/drive_error.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"

namespace imgimport {

struct DriveRequest {
  DriveCall::Kind kind = DriveCall::Kind::kLookUp;
  std::string_view id;            // of the folder or file concerned
  std::string_view resource_key;  // its key; empty if none
  std::string path;               // below /drive/v3, encoded
  std::string parameters;         // "a=b&c=d", encoded
  std::uint64_t offset = 0;       // > 0: a Range request for the rest from here
};

// Thread-safe.
class DriveApi {
 public:
  struct Options {
    std::string base_url;  // without a slash at its end
    std::string api_key;
    std::unique_ptr<AccessTokens> tokens;  // used rather than the key; null without a service account
  };
  DriveApi(Options options, HttpClient& http, const Clock& clock);

  // The body of a 200.
  Result<std::string> get(const CallContext& context, const DriveRequest& request) const;
  // An answer of 200 or 206, or the 416 to a Range request.
  Result<std::unique_ptr<HttpDownload>> open(const CallContext& context, const DriveRequest& request) const;

  // The service account's address; empty with an API key.
  std::string_view account() const noexcept;
  Timestamp now() const { return clock_.now(); }

 private:
  struct Prepared {
    HttpClientRequest http;
    std::string token;  // empty with an API key
  };
  Result<Prepared> prepare(const CallContext& context, const DriveRequest& request) const;
  Error refusal(const DriveRequest& request, const HttpClientResponse& response) const;
  bool may_retry(const Prepared& prepared, int status) const;

  const Options options_;
  HttpClient& http_;
  const Clock& clock_;
};

// Up to `limit` bytes of a body; what broke off counts as far as it came.
std::string read_beginning(const CallContext& context, ByteReader& reader, std::size_t limit);

}  // namespace imgimport
