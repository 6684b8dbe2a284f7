// A service account's JSON file, as Google issues it.
#pragma once

#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct ServiceAccount {
  std::string email;
  std::string private_key;  // PEM
  std::string private_key_id;
  std::string token_url = "https://oauth2.googleapis.com/token";
};

// `file` is a path, or the JSON itself (it starts with "{"). The key is tried out: what this returns can sign.
// kMisconfigured (bad_credentials_file, unreadable_private_key): says what is wrong with the file, never what is in it.
Result<ServiceAccount> load_service_account(std::string_view file);

// The signed assertion that is exchanged for an access token (RFC 7523), valid for an hour from `now`. `subject` is the
// user to act for, empty for the account itself.
// https://developers.google.com/identity/protocols/oauth2/service-account#httprest
Result<std::string> make_assertion(const ServiceAccount& account, std::string_view subject, Timestamp now);

}  // namespace imgimport
