// A folder of the disk as a folder of the Drive.
#pragma once

#include <string>

#include "emulators/drive/drive_tree.hpp"
#include "imgimport/result.hpp"

namespace imgimport::emulator {

// Adds the folder with all below it to `parent` and returns its Drive id. Ids come from the paths inside the folder, so
// they are the same at every start. Names that begin with a dot are left out. Files are hashed by all cores; up to a
// GiB in all, they are kept in memory. kNotFound: no such folder; kUnavailable: a file cannot be read.
Result<std::string> add_folder_from_disk(DriveTree& tree, const std::string& parent, const std::string& path);

}  // namespace imgimport::emulator
