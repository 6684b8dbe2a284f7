#include "metadata/sql/dialect.hpp"
namespace imgimport {
const Dialect& transact_sql_dialect() noexcept {
  return postgres_dialect();
}
}  // namespace imgimport
