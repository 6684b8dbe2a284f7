// What every ObjectStore must do; run on each implementation by a test of its own.
#pragma once

#include <functional>
#include <memory>

#include "imgimport/object_store.hpp"

namespace imgimport::contract {

// A fresh, empty store.
using MakeObjectStore = std::function<std::unique_ptr<ObjectStore>()>;

// Call from one TEST_CASE: each rule is a SECTION.
void check_object_store(const MakeObjectStore& make);

}  // namespace imgimport::contract
