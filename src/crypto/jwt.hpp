// JSON Web Tokens signed with RS256 (RFC 7515, RFC 7519): what a service account shows to get an access token.
#pragma once

#include <string>
#include <string_view>

#include "imgimport/result.hpp"

namespace imgimport {

// A JWT's two parts, each a JSON text.
struct JwtParts {
  std::string_view header;  // must name "alg":"RS256"
  std::string_view claims;
};

// Signs with an unencrypted RSA key in PEM (PKCS #8 or PKCS #1) and returns "header.claims.signature". Thread-safe.
// kMisconfigured (unreadable_private_key): the PEM holds no RSA key that can be read. The message never holds the key.
Result<std::string> sign_jwt_rs256(const JwtParts& parts, std::string_view private_key_pem);

}  // namespace imgimport
