// Which images a query means, newest first: picks the index that leads, and reads the records. What leads is a list in
// the order of the ids already, so that what is read is a page and not all that match: the labels with the fewest
// images, else the job's, else the provider's, else the table. The other conditions are looked at row by row. Of names
// an index tells all that match, in no order: it leads where they are few. Whether they are is seen from the newest
// records, so that many cost no more than few.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "imgimport/image.hpp"
#include "metadata/labels.hpp"
#include "metadata/sql/session_work.hpp"

namespace imgimport::sql {

struct Provider {
  std::int64_t id = 0;
  std::string name;
  std::int64_t images = 0;
  std::int64_t bytes = 0;
};
std::vector<Provider> read_providers(const Work& work);

struct LabelRow {
  std::int64_t id = 0;
  std::int64_t images = 0;
};
std::optional<LabelRow> find_label(const Work& work, const Label& label);

class ImageSearch {
 public:
  ImageSearch(const Work& work, const ImageQuery& wanted);

  ImageTotal count();
  // REQUIRES: skipped is less than count()
  std::vector<Image> page(std::int64_t skipped, std::int64_t limit);
  std::vector<Image> below(ImageId before, std::int64_t limit);

 private:
  enum class Lead : std::uint8_t { kNothing = 1, kTable, kProvider, kJob, kLists, kText };
  // Which condition the lists of labels stand for.
  enum class Lists : std::uint8_t { kNone = 1, kFolder, kCamera, kDates };
  struct Span {
    std::int64_t before = std::numeric_limits<std::int64_t>::max();
    std::int64_t limit = 0;
    std::int64_t skipped = 0;
    std::int64_t lowest = 0;
  };
  struct Position {
    std::int64_t before = 0;
    std::int64_t skipped = 0;
  };

  void resolve(const ImageQuery& wanted);
  void resolve_provider(const std::string& name);
  void resolve_labels(const ImageQuery& wanted);
  void resolve_dates(const ImageQuery& wanted);
  void resolve_text(const std::string& text);
  void offer(std::vector<LabelRow> labels, std::int64_t images, Lists lists);
  void choose_lead();
  std::optional<Position> find_position(std::int64_t provider, std::int64_t skipped);
  ImageTotal count_named();
  std::int64_t count_found(Lead lead, std::int64_t lowest);
  std::int64_t newest_part(std::int64_t before);
  std::vector<Image> read(const Span& span);
  std::vector<Image> read_named(const Span& span);
  std::vector<Image> read_by(Lead lead, const Span& span);
  db::Sql page_statement(Lead lead) const;
  db::Sql count_statement(Lead lead) const;
  std::vector<db::SqlArgument> arguments(Lead lead, const Span& span) const;
  void add_conditions(Lead lead, std::vector<db::SqlArgument>& arguments) const;

  const Work& work_;
  Lead lead_ = Lead::kTable;
  bool kept_ = false;        // nothing or only the provider is asked for
  bool alone_ = false;       // the lists that lead are all that is asked for
  std::int64_t known_ = 0;   // how many images the provider has, or all
  std::int64_t lowest_ = 0;  // of a short text: what is older is not looked at
  // The conditions; 0 = any. The one that leads is left out of those that are looked at row by row.
  std::int64_t provider_ = 0;
  std::int64_t leading_provider_ = 0;
  std::int64_t job_ = 0;
  std::int64_t job_images_ = 0;  // about so many
  std::int64_t folder_ = 0;
  std::int64_t camera_ = 0;
  bool dated_ = false;
  std::string first_day_;
  std::string last_day_;
  std::string pattern_;  // a document
  bool named_ = false;
  bool has_trigram_ = false;
  bool by_name_ = false;                        // the index of names may lead instead of lead_
  std::optional<std::int64_t> by_name_images_;  // so many it tells; kMost: not all
  // The lists with the fewest images, and how many those are:
  Lists lists_ = Lists::kNone;
  std::vector<LabelRow> labels_;
  std::int64_t listed_ = 0;
};

}  // namespace imgimport::sql
