// Answers that a fault puts in the place of the real one.
#pragma once

#include <optional>

#include "emulators/drive/faults.hpp"
#include "imgimport/http.hpp"

namespace imgimport::emulator {

// nullopt: the fault leaves the answer to be made, or harms only its body.
std::optional<HttpResponse> answer_instead(const Fault& fault);

}  // namespace imgimport::emulator
