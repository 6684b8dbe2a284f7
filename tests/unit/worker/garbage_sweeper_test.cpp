#include "worker/garbage_sweeper.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "fakes/manual_clock.hpp"
#include "fakes/memory_metadata_store.hpp"
#include "fakes/memory_object_store.hpp"

namespace imgimport {
namespace {

using std::chrono::seconds;
using Deadline = std::chrono::steady_clock::time_point;

// A list of garbage by script, which tells when the sweeper has come to its end.
class ScriptedGarbage : public MemoryMetadataStore {
 public:
  ScriptedGarbage(const Clock& clock, int keys) : MemoryMetadataStore(clock) {
    for (int i = 0; i < keys; ++i) listed_.emplace_back("k/" + std::to_string(i));
  }
  Result<std::vector<ObjectKey>> claim_garbage(const CallContext&, const StorePlace&, std::size_t limit) override {
    const std::scoped_lock lock(mutex_);
    const auto end = listed_.begin() + static_cast<std::ptrdiff_t>(std::min(limit, listed_.size()));
    std::vector<ObjectKey> claimed(listed_.begin(), end);
    listed_.erase(listed_.begin(), end);
    if (claimed.empty()) tell();
    return claimed;
  }
  Result<void> forget_garbage(const CallContext& context, const StorePlace&, std::span<const ObjectKey> keys) override {
    const std::scoped_lock lock(mutex_);
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    forgotten_ += keys.size();
    forgotten_by_ = context.deadline;
    if (listed_.empty()) tell();
    return {};
  }
  void wait_for_the_end() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, seconds(60), [this] { return at_its_end_; }));
  }
  std::size_t forgotten() {
    const std::scoped_lock lock(mutex_);
    return forgotten_;
  }
  Deadline forgotten_by() {
    const std::scoped_lock lock(mutex_);
    return forgotten_by_;
  }

 private:
  void tell() {
    at_its_end_ = true;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ObjectKey> listed_;
  std::size_t forgotten_ = 0;
  Deadline forgotten_by_;
  bool at_its_end_ = false;
};

// Each removal takes its time, by the test's clock.
class SlowStore : public MemoryObjectStore {
 public:
  SlowStore(ManualClock& clock, std::chrono::milliseconds each) : clock_(clock), each_(each) {}
  Result<void> remove(const CallContext& context, const ObjectKey& key) override {
    deadlines.push_back(context.deadline);
    clock_.advance(each_);
    return MemoryObjectStore::remove(context, key);
  }
  std::vector<Deadline> deadlines;  // read when the sweeper has stopped

 private:
  ManualClock& clock_;
  const std::chrono::milliseconds each_;
};

}  // namespace

TEST_CASE("each removal has a time of its own, and so has writing down what was removed", "[garbage_sweeper]") {
  ManualClock clock;
  ScriptedGarbage garbage(clock, 250);
  SlowStore store(clock, std::chrono::milliseconds(100));
  {
    GarbageSweeper sweeper(garbage, store, clock);
    sweeper.start();
    garbage.wait_for_the_end();
  }
  REQUIRE(store.deadlines.size() == 250);
  CHECK(garbage.forgotten() == 250);
  for (std::size_t i = 1; i < store.deadlines.size(); ++i) CHECK(store.deadlines[i] > store.deadlines[i - 1]);
  CHECK(garbage.forgotten_by() > store.deadlines.back());
}

TEST_CASE("where removals take long, those done in half a claim's time are written down, and the rest is left",
          "[garbage_sweeper]") {
  ManualClock clock;
  ScriptedGarbage garbage(clock, 100);
  SlowStore store(clock, seconds(4));
  {
    GarbageSweeper sweeper(garbage, store, clock);
    sweeper.start();
    garbage.wait_for_the_end();
  }
  CHECK(store.deadlines.size() == 15);
  CHECK(garbage.forgotten() == 15);
}

}  // namespace imgimport
