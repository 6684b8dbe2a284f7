// Something that runs work on its own threads.
#pragma once

#include <functional>

namespace imgimport {

// Thread-safe; post never blocks and never runs the task on the calling thread.
class Executor {
 public:
  virtual ~Executor() = default;
  // After the executor has been stopped, tasks are dropped.
  virtual void post(std::function<void()> task) = 0;
};

}  // namespace imgimport
