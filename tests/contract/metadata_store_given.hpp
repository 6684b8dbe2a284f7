// The backend of ./dev test metadata with TEST_DATABASE_URL set: a database of somebody's, emptied before each test.
#pragma once

#include <cstdlib>

#include "contract/metadata_store_backends.hpp"
#include "db/sql_driver.hpp"
#include "db/sql_session.hpp"

namespace imgimport::metadata_suite {

// Everything in that database will be lost, so its name must say what it is for.
inline std::string given_url() {
  const char* url = std::getenv("TEST_DATABASE_URL");
  if (url == nullptr) throw std::runtime_error("TEST_DATABASE_URL is not set");
  const auto target = db::parse_sql_url(url);
  if (!target.has_value()) throw std::runtime_error(target.error().message());
  if (target->database.find("test") == std::string::npos) {
    throw std::runtime_error("the database of TEST_DATABASE_URL is emptied: its name must hold \"test\"");
  }
  return url;
}

inline void empty_database(const std::string& url) {
  const auto target = db::prepare_target(*db::parse_sql_url(url));
  if (!target.has_value()) throw std::runtime_error(target.error().message());
  db::SqlSession session(*target);
  for (const db::Sql& sql :
       {db::Sql("DELETE FROM garbage"), db::Sql("DELETE FROM begun_batches"), db::Sql("DELETE FROM image_labels"),
        db::Sql("DELETE FROM labels"), db::Sql("DELETE FROM image_blocks"), db::Sql("DELETE FROM images"),
        db::Sql("DELETE FROM items"), db::Sql("DELETE FROM folders"), db::Sql("DELETE FROM jobs"),
        db::Sql("DELETE FROM places"), db::Sql("DELETE FROM providers"), db::Sql("DELETE FROM calls"),
        db::Sql("UPDATE sequences SET value = 0")}) {
    session.exec(sql);
  }
}

struct GivenBackend {
  HandClock clock;
  std::unique_ptr<SqlMetadataStore> opened = [this] {
    open_sql(given_url(), clock);  // makes the tables
    empty_database(given_url());
    return open_sql(given_url(), clock);
  }();
  MetadataStore& store = *opened;
};

}  // namespace imgimport::metadata_suite
