// GET /api/openapi.json: what this API is, for people and their tools.
#pragma once

#include "gateway/api_router.hpp"

namespace imgimport {

// Open without a token: it tells nothing that the sources do not.
void mount_openapi_route(ApiRouter& router);

}  // namespace imgimport
