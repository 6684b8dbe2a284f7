// Who may call the public API.
//
// With a token set, a request carries it as "Authorization: Bearer …", or the session cookie that stands for it. A
// cookie is sent by the browser whichever page asks (SameSite=Strict keeps it from other sites, not from other origins
// of this one). So a request that changes something on the strength of a cookie must not come from a foreign page:
// where it names an Origin, that is ours or in CORS_ORIGINS, or it carries X-Requested-With, which no foreign page can
// add without a preflight. Every browser names the Origin of a POST or DELETE; what names neither Origin nor a foreign
// Sec-Fetch-Site is a program with a cookie jar
// (https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html).
//
// Without a token, everything is open, but the same rule holds for requests that name a foreign Origin. And where that
// is not on purpose (allow_anonymous), the server listens on loopback only and answers only to names of this machine:
// otherwise a foreign page whose name is made to point at 127.0.0.1 could read everything (DNS rebinding).
//
// Threading: const after construction; never blocks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/cors.hpp"
#include "gateway/options.hpp"
#include "imgimport/error.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

class Access {
 public:
  // REQUIRES: both outlive it.
  Access(const GatewayOptions& options, const Cors& cors);

  // nullopt: come in. kUnauthenticated: no token or a wrong one; kPermissionDenied: the call comes from a foreign page.
  std::optional<Error> refusal(const HttpRequest& request) const;

  // REQUIRES: no request yet.
  void set_public_url(const std::string& public_url);

  bool token_needed() const noexcept { return !options_.api_token.empty(); }
  bool is_token(std::string_view token) const;
  // Set-Cookie of a session, and of its end. The value is derived from the token: it holds over restarts and ends when
  // the token is changed.
  std::string session_cookie() const;
  std::string expired_cookie() const;

 private:
  bool has_session(const HttpRequest& request) const;
  bool from_own_page(const HttpRequest& request, std::string_view origin) const;
  bool names_this_machine(std::string_view host) const;
  std::optional<Error> foreign_page(const HttpRequest& request) const;

  const GatewayOptions& options_;
  const Cors& cors_;
  std::string public_origin_;
  std::string session_value_;
};

}  // namespace imgimport
