// How tests wait: for a condition, or, where a moment is chance and not an ordering, for some time.
#pragma once

#include <chrono>
#include <functional>

namespace imgimport {

// Looks every `pause` until it is so; false: it was not within `patience`.
bool eventually(const std::function<bool()>& is_so, std::chrono::milliseconds patience = std::chrono::seconds(60),
                std::chrono::milliseconds pause = std::chrono::milliseconds(5));

// Of a kill, say: the test must hold whatever has happened by then.
void let_it_run(std::chrono::milliseconds time);

}  // namespace imgimport
