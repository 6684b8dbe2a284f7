#include "metadata/sql/dialect.hpp"

namespace imgimport {

const Dialect& dialect_of(db::SqlProduct product) noexcept {
  return product == db::SqlProduct::kPostgres ? postgres_dialect() : transact_sql_dialect();
}

std::vector<std::pair<std::string_view, std::string_view>> all_statements(const Dialect& dialect) {
  std::vector<std::pair<std::string_view, std::string_view>> all = {
#define IMGIMPORT_SQL_PAIR(name) {#name, dialect.name.text()},
      IMGIMPORT_SQL_STATEMENTS(IMGIMPORT_SQL_PAIR)
#undef IMGIMPORT_SQL_PAIR
  };
  for (const auto& migration : dialect.migrations) {
    for (const db::Sql& sql : migration) all.emplace_back("migration", sql.text());
  }
  return all;
}

}  // namespace imgimport
