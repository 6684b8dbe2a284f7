// Databases of very many image records, made by the server's or SQLite's own means in a fraction of the time that
// commits would take: for tests and benchmarks of lists. What lists are found by is then made up by the store, as for
// records of an older program.
//
// The n-th of `count` images (from 1): of the provider "local", each thousandth of "aws"; of the job number n / 1000;
// named "IMG_<eight digits>.jpg", each thousandth "sunset over Vienna <n>.jpg"; in the folder "year <0 to 24>/album
// <n / 500>", the years in their order; by "Camera <0 to 19>"; taken in the years from 2000 to 2024, in their order.
#pragma once

#include <cstdint>
#include <string>

#include "support/postgres.hpp"

namespace imgimport {

// REQUIRES: the file was made by a store that is closed now, and holds nothing
void fill_sqlite(const std::string& path, std::int64_t count);
// REQUIRES: the same of the database. Ends with ANALYZE.
void fill_postgres(const PostgresServer& server, const std::string& database, std::int64_t count);

// The id of the n-th job, from 0.
std::string many_images_job(std::int64_t n);

}  // namespace imgimport
