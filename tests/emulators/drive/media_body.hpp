// How a stretch of content becomes the body of an answer: whole and fast, or harmed as a fault says.
#pragma once

#include <cstdint>
#include <memory>

#include "emulators/drive/content.hpp"
#include "emulators/drive/delayer.hpp"
#include "emulators/drive/faults.hpp"
#include "imgimport/http.hpp"

namespace imgimport::emulator {

struct BodyPlan {
  ContentPtr content;
  std::uint64_t from = 0;
  std::uint64_t to = 0;        // one past the last byte
  std::shared_ptr<void> held;  // let go when the body is over, sent or not
};

// Fills in the response's body. Slow and stalled bodies hold a thread of the request pool while they last.
void put_body(HttpResponse& response, BodyPlan plan, const Fault& fault, Delayer& delayer);

}  // namespace imgimport::emulator
