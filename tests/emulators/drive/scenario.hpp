// A scenario file: what the emulator holds and what goes wrong, as JSON. Described in README.md beside this file.
#pragma once

#include <string>
#include <string_view>

#include "emulators/drive/drive_emulator.hpp"
#include "imgimport/result.hpp"

namespace imgimport::emulator {

// Lays the scenario down in `drive`, its tree below `parent`, and returns the folder to import: `parent`, or the nasty
// tree's where the scenario asks for that. kInvalidArgument names what is wrong.
Result<std::string> apply_scenario(DriveEmulator& drive, const std::string& parent, std::string_view json);

}  // namespace imgimport::emulator
