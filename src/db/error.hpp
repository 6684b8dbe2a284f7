// SQLite's result codes as an Error: the only place that knows them.
#pragma once

#include <string>
#include <string_view>

#include "imgimport/error.hpp"

namespace imgimport::db {

// `code` is an extended result code (https://www.sqlite.org/rescode.html); `detail` SQLite's own words; `path` the
// file.
Error sqlite_error(int code, std::string_view detail, const std::string& path);

// Translates the exception being handled: SQLite's as above, anything else is kInternal. REQUIRES: inside a catch block
Error current_error(const std::string& path);

}  // namespace imgimport::db
