// Removes objects that no record needs any more: replaced versions, uploads of cancelled items, deletions cut short.
// The list of them is durable, so nothing is forgotten by a crash.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "imgimport/clock.hpp"
#include "imgimport/metadata_store.hpp"
#include "imgimport/object_store.hpp"

namespace imgimport {

// Threading: wake() from any thread; start and stop from one.
class GarbageSweeper {
 public:
  GarbageSweeper(ImageStore& images, ObjectStore& store, const Clock& clock)
      : images_(images), store_(store), clock_(clock) {}
  ~GarbageSweeper() { stop(); }

  void start();
  // There is something to remove.
  void wake();
  void stop();

 private:
  void run(const std::stop_token& stop);
  // Whether the list is empty now.
  bool sweep(const CallContext& context);

  ImageStore& images_;
  ObjectStore& store_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool woken_ = true;  // guarded by mutex_: what an earlier process left is removed at the start
  std::jthread thread_;
};

}  // namespace imgimport
