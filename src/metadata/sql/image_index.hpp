// Keeps what lists of images are found and counted by in step with the records: the lists and counts of labels, and the
// blocks of ids. (The trigrams of names are an index of the server's own.)
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "metadata/labels.hpp"
#include "metadata/sql/session_work.hpp"

namespace imgimport::sql {

// A record that has come (no `from`), is gone (no `to`), or has changed.
struct IndexChange {
  std::int64_t place = 0;
  std::int64_t image = 0;
  std::optional<Findable> from;
  std::optional<Findable> to;
};

// Whoever changes labels and blocks holds the row of the image ids, which most of them have taken anyway: so they never
// wait for each other in a ring, and no label is made twice.
void lock_index(const Work& work);
// REQUIRES: the index is locked
void index_images(const Work& work, std::span<const IndexChange> changes);

// All records of a database that has no index yet.
void index_all_images(const Work& work);

// The columns folder_path, camera and taken_at behind a prefix.
Findable findable(const Row& row, std::string_view prefix);

}  // namespace imgimport::sql
