#include <catch2/catch.hpp>

#include "fakes/memory_blob.hpp"
#include "fakes/memory_object_store.hpp"
#include "object_store_contract.hpp"

namespace imgimport {

TEST_CASE("MemoryObjectStore keeps the contract of ObjectStore", "[object_store][contract]") {
  contract::check_object_store([] { return std::make_unique<MemoryObjectStore>(); });
}

TEST_CASE("MemoryObjectStore fails the puts and the flush that it was told to fail", "[object_store]") {
  MemoryObjectStore store;
  const ObjectKey key("a/b");
  store.fail_put(2, Error(ErrorCode::kOutOfSpace, "full"));
  CHECK(store.put({}, key, MemoryBlob("1"), {}).has_value());
  const auto refused = store.put({}, key, MemoryBlob("2"), {});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == ErrorCode::kOutOfSpace);
  CHECK(store.content(key) == "1");
  CHECK(store.put({}, key, MemoryBlob("3"), {}).has_value());
  CHECK(store.puts() == 3);
  CHECK(store.keys() == std::vector{key});
  store.fail_flush(Error(ErrorCode::kUnavailable, "no disk"));
  CHECK_FALSE(store.flush({}).has_value());
  CHECK(store.flush({}).has_value());
  CHECK(store.flushes() == 2);
}

}  // namespace imgimport
