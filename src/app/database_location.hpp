// Which database the settings mean.
#pragma once

#include "config/config.hpp"
#include "imgimport/result.hpp"
#include "metadata/sqlite/store.hpp"

namespace imgimport {

// DATABASE_URL=sqlite:///path, else imgimport.db in the data directory. kMisconfigured: another kind of database.
Result<SqliteOptions> sqlite_options(const Config& config);

}  // namespace imgimport
