// Which images a query means, newest first: picks the index that leads, and reads ids from it. What leads is a list in
// the order of the ids already, so that what is read is a page and not all that match: the labels with the fewest
// images, else the job's, else the names' trigrams, else the provider's, else the table. The other conditions are
// looked at row by row.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "db/connection.hpp"
#include "imgimport/image.hpp"
#include "metadata/labels.hpp"

namespace imgimport {

struct LabelRow {
  std::int64_t id = 0;
  std::int64_t images = 0;
};
std::optional<LabelRow> find_label(db::Connection& connection, const Label& label);

// For one transaction.
class ImageSearch {
 public:
  ImageSearch(db::Connection& connection, const ImageQuery& wanted);

  ImageTotal count();
  // REQUIRES: skipped is less than count()
  std::vector<std::int64_t> page(std::int64_t skipped, std::int64_t limit);
  std::vector<std::int64_t> below(ImageId before, std::int64_t limit);

 private:
  enum class Lead : std::uint8_t { kNothing = 1, kTable, kProvider, kJob, kLists, kText };
  // Which condition the lists of labels stand for.
  enum class Lists : std::uint8_t { kNone = 1, kFolder, kCamera, kDates };
  enum class Gives : std::uint8_t { kIds = 1, kCount };
  struct Span {
    std::int64_t before = std::numeric_limits<std::int64_t>::max();
    std::int64_t limit = 0;
    std::int64_t skipped = 0;
  };

  void resolve(const ImageQuery& wanted);
  void resolve_dates(const ImageQuery& wanted);
  void resolve_text(const std::string& text);
  void offer(std::vector<LabelRow> labels, std::int64_t images, Lists lists);
  void choose_lead();
  std::vector<std::int64_t> read(const Span& span);
  std::vector<std::int64_t> read_lists(const Span& span);
  std::int64_t count_found(std::int64_t lowest);
  std::int64_t count_named(std::int64_t most);
  db::Sql statement(Gives gives) const;
  void bind(db::Query& query, std::optional<std::int64_t> list, std::int64_t lowest, const Span& span) const;

  db::Connection& connection_;
  Lead lead_ = Lead::kTable;
  bool kept_ = false;        // nothing or only the provider is asked for
  bool alone_ = false;       // the lists that lead are all that is asked for
  bool many_named_ = false;  // very many names hold the text, which does not lead
  std::int64_t lowest_ = 0;  // of a short text: what is older is not looked at
  // The other conditions:
  std::optional<std::int64_t> provider_;
  std::optional<std::int64_t> job_;
  std::optional<std::int64_t> folder_;
  std::optional<std::string> camera_;
  std::optional<std::string> taken_after_;
  std::optional<std::string> taken_before_;
  std::optional<std::string> like_;
  std::optional<std::string> phrase_;
  // The lists with the fewest images, and how many those are:
  Lists lists_ = Lists::kNone;
  std::vector<LabelRow> labels_;
  std::int64_t listed_ = 0;
};

}  // namespace imgimport
