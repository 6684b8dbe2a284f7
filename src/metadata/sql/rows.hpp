// What a statement gave back: rows with named columns, and the values of the contract that are read from them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/sql_session.hpp"
#include "imgimport/image.hpp"
#include "imgimport/job.hpp"

namespace boost::json {
class object;
class value;
}  // namespace boost::json

namespace imgimport::sql {

// One row. A NULL is 0, false or empty, unless it is asked for with maybe_….
class Row {
 public:
  explicit Row(const boost::json::object& columns) : columns_(columns) {}
  bool is_null(std::string_view name) const;
  std::int64_t integer(std::string_view name) const { return maybe_integer(name).value_or(0); }
  std::string text(std::string_view name) const;
  bool flag(std::string_view name) const { return integer(name) != 0; }
  std::optional<std::int64_t> maybe_integer(std::string_view name) const;
  std::optional<double> maybe_real(std::string_view name) const;

 private:
  const boost::json::value* find(std::string_view name) const;
  const boost::json::object& columns_;
};

class Rows {
 public:
  // Each text is a row, or an array of rows.
  explicit Rows(const std::vector<std::string>& documents);
  ~Rows();
  Rows(Rows&&) noexcept;
  std::size_t size() const noexcept;
  bool empty() const noexcept { return size() == 0; }
  Row operator[](std::size_t index) const;
  // For range-based for.
  class Iterator {
   public:
    Iterator(const Rows& rows, std::size_t index) : rows_(rows), index_(index) {}
    Row operator*() const { return rows_[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    const Rows& rows_;
    std::size_t index_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

 private:
  std::unique_ptr<std::vector<boost::json::value>> values_;
};

Rows select(db::SqlSession& session, db::Sql sql, db::SqlArguments arguments = {});

Job job(const Row& row);
Item item(const Row& row);
WorkItem work_item(const Row& row);  // with what is known already
Image image(const Row& row);
PendingFolder folder(const Row& row);

}  // namespace imgimport::sql
