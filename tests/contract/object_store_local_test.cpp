#include <catch2/catch.hpp>
#include <utility>

#include "object_store_contract.hpp"
#include "storage/local/local_store.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {

TEST_CASE("LocalStore keeps the contract of ObjectStore", "[object_store][contract]") {
  const TempDir dir;
  contract::check_object_store([&] { return LocalStore::open(dir.path() / "data").value(); });
}

}  // namespace imgimport
