#include <catch2/catch.hpp>
#include <utility>

#include "base/system_clock.hpp"
#include "object_store_contract.hpp"
#include "storage/local/local_store.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {

TEST_CASE("LocalStore keeps the contract of ObjectStore", "[object_store][contract]") {
  const TempDir dir;
  const SystemClock clock;
  contract::check_object_store([&] { return LocalStore::open(dir.path() / "data", clock).value(); });
}

}  // namespace imgimport
