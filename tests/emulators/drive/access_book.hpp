// Who may call the emulator: API keys, service accounts (RS256 assertions exchanged for access tokens), and what each
// caller may see.
//
// Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "emulators/drive/google_error.hpp"
#include "imgimport/http.hpp"

namespace imgimport::emulator {

// Somebody whose credentials were accepted. An empty e-mail is an API key: it sees only what anyone may see.
struct Caller {
  std::string email;
};

class AccessBook {
 public:
  void add_api_key(std::string key);

  // Makes a service account and returns the JSON file that Google's console would give, private key inside.
  // `token_uri` is where a client exchanges its assertions: this emulator's /token, or Google's own address when the
  // client comes through the CONNECT proxy. All service accounts made by one process share one key pair.
  std::string add_service_account(const std::string& email, const std::string& token_uri);
  // An account whose key pair was made elsewhere. false: not a public key in PEM.
  bool add_service_account_key(const std::string& email, const std::string& public_key_pem);
  // Domain-wide delegation: the account may act for this user.
  void allow_impersonation(const std::string& service_account, const std::string& user);
  // Another "aud" than Google's to accept in assertions.
  void add_audience(std::string audience);

  // How long new access tokens live; 3,599 s unless told otherwise.
  void set_token_lifetime(std::chrono::milliseconds lifetime);
  // Makes all tokens given out so far useless.
  void expire_access_tokens();
  // A token without the exchange, for clients that are not about authorisation.
  std::string issue_token(const std::string& email);

  // POST /token: the answer to a form with grant_type and assertion.
  HttpResponse exchange(std::string_view form);

  // Who asks: by bearer token or else by API key.
  std::variant<Caller, GoogleError> authenticate(const HttpRequest& request) const;

 private:
  struct Account {
    std::string public_key_pem;
    std::set<std::string> may_act_for;
  };
  struct Token {
    std::string email;
    std::chrono::steady_clock::time_point expires_at;
  };
  std::string issue_token_locked(const std::string& email);
  std::variant<Caller, HttpResponse> check_assertion(std::string_view assertion) const;

  mutable std::mutex mutex_;  // guards everything
  std::set<std::string, std::less<>> api_keys_;
  std::map<std::string, Account, std::less<>> accounts_;
  std::map<std::string, Token, std::less<>> tokens_;
  std::set<std::string, std::less<>> audiences_{"https://oauth2.googleapis.com/token",
                                                "https://www.googleapis.com/oauth2/v4/token",
                                                "https://accounts.google.com/o/oauth2/token"};
  std::chrono::milliseconds token_lifetime_{3'599'000};
  std::uint64_t tokens_issued_ = 0;
};

}  // namespace imgimport::emulator
