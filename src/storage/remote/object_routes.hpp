// The storage service's routes for other services: each method of ObjectStore but put below /internal/v1/storage/.
// Bytes come in by the tickets' own route (local/upload_routes.hpp).
#pragma once

#include "imgimport/object_store.hpp"
#include "rest/service_routes.hpp"

namespace imgimport {

// REQUIRES: the store outlives the routes' router.
void mount_object_routes(ServiceRoutes& routes, ObjectStore& store);

}  // namespace imgimport
