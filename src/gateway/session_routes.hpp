// Signing in from a browser: a cookie that scripts cannot read stands for the bearer token.
#pragma once

#include "gateway/access.hpp"
#include "gateway/api_router.hpp"

namespace imgimport {

// POST /api/session {"token"} sets the cookie (401 for a wrong token), DELETE takes it back, GET says whether a token
// is needed and whether this request has shown it. REQUIRES: `access` outlives the routes.
void mount_session_routes(ApiRouter& router, const Access& access);

}  // namespace imgimport
