// Signed assertions as service accounts send them (RFC 7515, RS256), and the key pairs behind them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace imgimport::emulator {

struct KeyPair {
  std::string private_key_pem;  // PKCS #8
  std::string public_key_pem;
};

// A 2,048-bit RSA key pair, made once per process.
const KeyPair& process_key_pair();
bool is_public_key(const std::string& pem);

struct Jwt {
  std::string header;   // JSON
  std::string payload;  // JSON
  std::string signed_part;
  std::string signature;
};

// nullopt: not three base64url parts.
std::optional<Jwt> split_jwt(std::string_view text);
bool has_valid_rs256_signature(const Jwt& jwt, const std::string& public_key_pem);

}  // namespace imgimport::emulator
