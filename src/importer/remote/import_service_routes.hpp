// The import service's routes: each method of ImportService below /internal/v1/import/.
#pragma once

#include "imgimport/http.hpp"
#include "imgimport/import_service.hpp"

namespace imgimport {

// REQUIRES: the service outlives the router.
void mount_import_service_routes(Router& router, ImportService& service);

}  // namespace imgimport
