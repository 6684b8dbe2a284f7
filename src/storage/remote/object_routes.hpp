// The storage service's routes for other services: each method of ObjectStore but put below /internal/v1/storage/.
// Bytes come in by the tickets' own route (storage_routes.hpp).
#pragma once

#include "imgimport/http.hpp"
#include "imgimport/object_store.hpp"

namespace imgimport {

// REQUIRES: the store outlives the router.
void mount_object_routes(Router& router, ObjectStore& store);

}  // namespace imgimport
