// Which object store the settings chose, ready to use.
#pragma once

#include <memory>

#include "app/assembly.hpp"
#include "imgimport/object_store.hpp"

namespace imgimport {

// Asks nobody: a wrong key or a missing bucket shows at the first put. kMisconfigured: settings that cannot be right.
// REQUIRES: `assembly` outlives the store.
Result<std::unique_ptr<ObjectStore>> open_object_store(Assembly& assembly);

}  // namespace imgimport
