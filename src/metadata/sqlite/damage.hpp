// Records whose objects were found missing or different. What is damaged is the object: the mark goes to all records
// that share it, and leaves all of them when the object is stored again.
#pragma once

#include <cstdint>

#include "db/connection.hpp"
#include "imgimport/ids.hpp"

namespace imgimport {

// Of the records that share an object. (A record that shares none loses its mark as it is written.)
void clear_damage(db::Connection& connection, std::int64_t place, const ObjectKey& key);

}  // namespace imgimport
