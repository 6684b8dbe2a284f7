// The storage service's routes for thumbnails, for other services.
#pragma once

#include "imgimport/thumbnails.hpp"
#include "rest/service_routes.hpp"

namespace imgimport {

// REQUIRES: the thumbnails outlive the routes' router.
void mount_thumbnail_routes(ServiceRoutes& routes, Thumbnails& thumbnails);

}  // namespace imgimport
