// The tables of the metadata store in SQLite, and how they came to be.
#pragma once

#include "db/migrate.hpp"

namespace imgimport {

const db::Schema& metadata_schema() noexcept;

}  // namespace imgimport
