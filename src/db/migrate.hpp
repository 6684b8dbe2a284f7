// The shape of a database file: whose it is, and numbered steps from each version to the next, each run once.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "db/connection.hpp"
#include "imgimport/result.hpp"

namespace imgimport::db {

struct Schema {
  std::int32_t application_id = 0;  // in the file's header (https://www.sqlite.org/fileformat.html#application_id)
  std::string_view application;     // its name, for messages
  std::span<const char* const> migrations;  // the n-th brings version n to n + 1; never changed once released
};

// Looks at the file before anything is written to it, then makes it WAL and brings it to the newest version, under an
// immediate transaction: of two processes that open a new file at once, one migrates and the other finds it done.
// kMisconfigured: another application's database (foreign_database), one of a newer program (newer_schema), a damaged
// file; such a file is left as it is.
Result<void> migrate(Connection& connection, const Schema& schema);

}  // namespace imgimport::db
