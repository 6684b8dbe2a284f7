// Copies all metadata of one SQLite file into the tables of a database server: jobs, their folders and items, image
// records, counters, the list of garbage. The ids stay as they are.
//
// What is copied is written in the order of its ids, a part in a transaction, so that a copy which was broken off, by
// whatever, goes on where it stopped. Until it has ended and been compared, the target is marked as half copied, and no
// server takes it for its own.
//
// Threading: one call at a time per process and source; blocks for as long as it takes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "imgimport/call_context.hpp"
#include "imgimport/clock.hpp"
#include "metadata/sql/store.hpp"

namespace imgimport {

struct MetadataCopy {
  std::string from;  // the file's path
  SqlStoreOptions to;
  std::size_t rows_at_once = 500;
};

struct CopyProgress {
  std::string what;  // the table
  std::int64_t done = 0;
  std::int64_t total = 0;  // rows of all tables
};

struct CopyReport {
  std::int64_t jobs = 0;
  std::int64_t items = 0;
  std::int64_t images = 0;
  bool resumed = false;  // a copy that was broken off went on
};

// `show` is told after each part. kMisconfigured: no such file, another application's or a newer program's; a target
// that holds data already (target_not_empty), or a part of another source's copy (another_copy). kUnavailable
// (source_in_use): a server has the file open. kInternal (copy_differs): the comparison at the end failed. Errors of
// SqlMetadataStore::open. On any error the call can be repeated, and goes on.
Result<CopyReport> copy_metadata(const CallContext& context, const MetadataCopy& copy, const Clock& clock,
                                 const std::function<void(const CopyProgress&)>& show);

}  // namespace imgimport
