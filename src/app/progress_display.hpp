// How far a command is, on standard error, so that standard output holds the report alone: on a terminal one line that
// is drawn again in place, below the log's lines; elsewhere a plain line now and then.
//
// Threading: one thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace imgimport {

class ProgressDisplay {
 public:
  ProgressDisplay();
  ~ProgressDisplay() { end(); }
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  // `line` is asked for only when it is time for another one; without a line break.
  void show(const std::function<std::string()>& line);
  // A line of its own above the progress, once for each text. Empty: nothing.
  void note(const std::string& text);
  // Nothing of it stays on a terminal. Idempotent.
  void end();

 private:
  const bool terminal_;
  std::chrono::steady_clock::time_point shown_;
  std::string noted_;
};

}  // namespace imgimport
