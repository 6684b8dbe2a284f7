// `imgimport migrate --to URL`: copies the metadata of a SQLite deployment into a database server.
#pragma once

#include <string>

#include "config/config.hpp"

namespace imgimport {

// Prints its progress to standard error and what was copied to standard output. 0: copied and compared; 1: broken off,
// or failed half-way (run again, it goes on); 2: refused before anything was copied, with one sentence.
int one_shot_migrate(const Config& config, const std::string& to);

}  // namespace imgimport
