// The metadata service's routes: each method of MetadataStore below /internal/v1/metadata/.
#pragma once

#include "imgimport/http.hpp"
#include "imgimport/metadata_store.hpp"

namespace imgimport {

// REQUIRES: the store outlives the router.
void mount_metadata_routes(Router& router, MetadataStore& store);

}  // namespace imgimport
