#include "metadata/sqlite/image_search.hpp"

#include <algorithm>
#include <functional>

#include "metadata/sqlite/lookup.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

// Of a list with so few images all names are read rather than that the trigrams lead.
constexpr std::int64_t kShortList = 20'000;
// Of so many ids, the newest ones, a text that so many of them have is one that many names hold.
constexpr std::int64_t kNewestPart = 100'000;
constexpr std::int64_t kMany = 1'000;
// Trigrams have three.
constexpr std::size_t kShortestPhrase = 3;

// ?1 provider, ?2 job, ?3 before, ?4 pattern, ?5 folder, ?6 camera, ?7 the lowest id, ?8 and ?9 the first and last day,
// ?10 the list or phrase that leads, ?11 and ?12 limit and offset. Bound to NULL, a condition holds for all.
constexpr db::SqlText kConditions(
    "m.deleting = 0 AND m.id < ?3 AND m.id >= ?7 AND (?1 IS NULL OR m.provider_id = ?1)"
    " AND (?2 IS NULL OR m.job_id = ?2) AND (?4 IS NULL OR m.name LIKE ?4 ESCAPE '\\')"
    " AND (?5 IS NULL OR EXISTS (SELECT 1 FROM image_labels l WHERE l.label_id = ?5 AND l.image_id = m.id))"
    " AND (?6 IS NULL OR m.camera = ?6) AND (?8 IS NULL OR substr(m.taken_at, 1, 10) >= ?8)"
    " AND (?9 IS NULL OR (m.taken_at <> '' AND substr(m.taken_at, 1, 10) <= ?9)) ");
constexpr db::SqlText kPart("LIMIT ?11 OFFSET ?12");
constexpr auto kFromTable = "FROM images m NOT INDEXED WHERE " + kConditions + "ORDER BY m.id DESC " + kPart;
constexpr auto kFromProvider = "FROM images m INDEXED BY images_by_provider WHERE m.provider_id = ?1 AND " +
                               kConditions + "ORDER BY m.id DESC " + kPart;
constexpr auto kFromJob =
    "FROM images m INDEXED BY images_by_job WHERE m.job_id = ?2 AND " + kConditions + "ORDER BY m.id DESC " + kPart;
constexpr db::SqlText kOfList("t.label_id = ?10 AND t.image_id < ?3 AND t.image_id >= ?7 ");
constexpr auto kFromList = "FROM image_labels t WHERE " + kOfList + "ORDER BY t.image_id DESC " + kPart;
constexpr auto kFromListFiltered = "FROM image_labels t CROSS JOIN images m ON m.id = t.image_id WHERE " + kOfList +
                                   "AND " + kConditions + "ORDER BY t.image_id DESC " + kPart;
constexpr auto kFromText =
    "FROM image_names t CROSS JOIN images m ON m.id = t.rowid WHERE t.name MATCH ?10 AND t.rowid < ?3"
    " AND t.rowid >= ?7 AND " +
    kConditions + "ORDER BY t.rowid DESC " + kPart;
constexpr auto kIdsOfTable = "SELECT m.id " + kFromTable;
constexpr auto kIdsOfProvider = "SELECT m.id " + kFromProvider;
constexpr auto kIdsOfJob = "SELECT m.id " + kFromJob;
constexpr auto kIdsOfList = "SELECT t.image_id " + kFromList;
constexpr auto kIdsOfListFiltered = "SELECT t.image_id " + kFromListFiltered;
constexpr auto kIdsOfText = "SELECT t.rowid " + kFromText;

// The block of ids that holds the image behind ?2 others, and how many of those are in blocks above it.
constexpr db::Sql kBlock =
    "SELECT block, above FROM (SELECT block, images, sum(images) OVER (ORDER BY block DESC) - images AS above"
    " FROM (SELECT b.block AS block, sum(b.images) AS images FROM image_blocks b JOIN places p ON p.id = b.place_id"
    " WHERE ?1 IS NULL OR p.provider_id = ?1 GROUP BY b.block)) WHERE above <= ?2 AND above + images > ?2";

struct Position {
  std::int64_t before = 0;
  std::int64_t skipped = 0;
};

// Where the image behind `skipped` others is: so many below that id.
std::optional<Position> find_position(db::Connection& connection, std::optional<std::int64_t> provider,
                                      std::int64_t skipped) {
  auto query = connection.query(kBlock);
  if (!query.bind(provider, skipped).next()) return std::nullopt;
  return Position{(query.integer(0) + 1) * kBlockSize, skipped - query.integer(1)};
}

// The provider of all images, when there is but one: then its index leads, which is far smaller than the table.
std::optional<std::int64_t> only_provider(db::Connection& connection) {
  auto query = connection.query("SELECT id FROM providers WHERE images <> 0 LIMIT 2");
  if (!query.next()) return std::nullopt;
  const std::int64_t first = query.integer(0);
  if (query.next()) return std::nullopt;
  return first;
}

// https://www.sqlite.org/fts5.html#fts5_strings
std::string phrase_of(std::string_view text) {
  std::string phrase = "\"";
  for (const char c : text) {
    if (c == '"') phrase += '"';
    phrase += c;
  }
  return phrase += '"';
}

}  // namespace

std::optional<LabelRow> find_label(db::Connection& connection, const Label& label) {
  auto query = connection.query("SELECT id, images FROM labels WHERE kind = ?1 AND name = ?2");
  if (!query.bind(label.kind, label.name).next()) return std::nullopt;
  return LabelRow{query.integer(0), query.integer(1)};
}

ImageSearch::ImageSearch(db::Connection& connection, const ImageQuery& wanted) : connection_(connection) {
  resolve(wanted);
  if (lead_ != Lead::kNothing) choose_lead();
}

// Names that do not exist match nothing.
void ImageSearch::resolve(const ImageQuery& wanted) {
  bool known = true;
  if (!wanted.storage_provider.empty()) {
    auto query = connection_.query("SELECT id FROM providers WHERE name = ?1");
    if (query.bind(wanted.storage_provider).next()) provider_ = query.integer(0);
    known = provider_.has_value();
  }
  kept_ = asks_for_provider_alone(wanted);
  if (!wanted.job.value().empty()) {
    if (const auto job = find_job(connection_, wanted.job); job.has_value()) job_ = job->row;
    known = known && job_.has_value();
  }
  if (!wanted.folder.empty()) {
    const auto label = find_label(connection_, {LabelKind::kFolder, stored_text(wanted.folder)});
    known = known && label.has_value();
    if (label) offer({*label}, label->images, Lists::kFolder), folder_ = label->id;
  }
  if (!wanted.camera.empty()) {
    camera_ = stored_text(wanted.camera);
    const auto label = find_label(connection_, {LabelKind::kCamera, *camera_});
    known = known && label.has_value();
    if (label) offer({*label}, label->images, Lists::kCamera);
  }
  if (!wanted.taken_after.empty() || !wanted.taken_before.empty()) resolve_dates(wanted);
  if (!wanted.text.empty()) resolve_text(stored_text(wanted.text));
  if (!known) lead_ = Lead::kNothing;
}

void ImageSearch::resolve_dates(const ImageQuery& wanted) {
  if (!wanted.taken_after.empty()) taken_after_ = wanted.taken_after;
  if (!wanted.taken_before.empty()) taken_before_ = wanted.taken_before;
  std::vector<LabelRow> labels;
  std::int64_t images = 0;
  auto query = connection_.query(
      "SELECT id, images FROM labels INDEXED BY labels_below"
      " WHERE parent_id = ?1 AND images > 0 AND sort >= ?2 AND sort < ?3");
  for (const LabelRange& range : date_ranges(wanted.taken_after, wanted.taken_before)) {
    query.bind(parent_of_kind(range.kind), range.first, range.end);
    while (query.next()) {
      labels.push_back({query.integer(0), query.integer(1)});
      images += query.integer(1);
    }
  }
  offer(std::move(labels), images, Lists::kDates);
}

void ImageSearch::resolve_text(const std::string& text) {
  like_ = like_pattern(text);
  if (count_characters(text) >= kShortestPhrase) {
    phrase_ = phrase_of(text);
    return;
  }
  // The first one that is not looked at.
  const auto behind = find_position(connection_, std::nullopt, kShortTextImages);
  if (!behind) return;
  auto query = connection_.query(
      "SELECT id FROM images NOT INDEXED WHERE deleting = 0 AND id < ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2");
  if (query.bind(behind->before, behind->skipped).next()) lowest_ = query.integer(0) + 1;
}

void ImageSearch::offer(std::vector<LabelRow> labels, std::int64_t images, Lists lists) {
  if (lists_ != Lists::kNone && images >= listed_) return;
  lists_ = lists;
  listed_ = images;
  labels_ = std::move(labels);
}

void ImageSearch::choose_lead() {
  std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
  if (lists_ != Lists::kNone) {
    lead_ = Lead::kLists;
    shortest = listed_;
  }
  if (job_) {
    auto query = connection_.query("SELECT imported + deduplicated FROM jobs WHERE id = ?1");
    const std::int64_t of_job = query.bind(*job_).next() ? query.integer(0) : 0;
    if (of_job < shortest) lead_ = Lead::kJob, shortest = of_job;
  }
  if (phrase_ && shortest > kShortList) {
    // Of many names that hold the text, those in the list are soon met with as well.
    many_named_ = lead_ != Lead::kTable && count_named(kShortList + 1) > kShortList;
    if (!many_named_) {
      lead_ = Lead::kText;
      like_.reset();
    }
  }
  if (lead_ == Lead::kTable) {
    if (!provider_) provider_ = only_provider(connection_);
    if (provider_) lead_ = Lead::kProvider;
  }
  if (lead_ != Lead::kLists) return;
  if (lists_ == Lists::kFolder) folder_.reset();
  if (lists_ == Lists::kCamera) camera_.reset();
  if (lists_ == Lists::kDates) taken_after_.reset(), taken_before_.reset();
  alone_ = !provider_ && !job_ && !folder_ && !camera_ && !taken_after_ && !taken_before_ && !like_;
}

ImageTotal ImageSearch::count() {
  if (lead_ == Lead::kNothing) return {};
  if (kept_) {
    auto query = connection_.query("SELECT total(images) FROM providers WHERE ?1 IS NULL OR id = ?1");
    query.bind(provider_).next();
    return {query.integer(0)};
  }
  if (many_named_) {
    const auto newest = find_position(connection_, std::nullopt, 0);
    const std::int64_t found = count_found(newest ? newest->before - kNewestPart : 0);
    if (found >= kMany) return {std::min(found, kCountedImages), true, true};
  }
  const std::int64_t found = lead_ == Lead::kLists && alone_ ? listed_ : count_found(lowest_);
  return {std::min(found, kCountedImages), found > kCountedImages || lowest_ > 0, found > kCountedImages};
}

std::vector<std::int64_t> ImageSearch::page(std::int64_t skipped, std::int64_t limit) {
  Span span;
  span.limit = limit;
  span.skipped = skipped;
  if (kept_) {
    const auto position = find_position(connection_, provider_, skipped);
    if (!position) return {};
    span.before = position->before;
    span.skipped = position->skipped;
  }
  return read(span);
}

std::vector<std::int64_t> ImageSearch::below(ImageId before, std::int64_t limit) {
  Span span;
  span.limit = limit;
  if (before.value() > 0) span.before = before.value();
  return read(span);
}

std::vector<std::int64_t> ImageSearch::read(const Span& span) {
  if (lead_ == Lead::kNothing || span.limit <= 0) return {};
  if (lead_ == Lead::kLists && labels_.size() != 1) return read_lists(span);
  std::optional<std::int64_t> list;
  if (lead_ == Lead::kLists) list = labels_.front().id;
  std::vector<std::int64_t> ids;
  auto query = connection_.query(statement(Gives::kIds));
  bind(query, list, lowest_, span);
  while (query.next()) ids.push_back(query.integer(0));
  return ids;
}

// No image is in two of the lists. Of each no more is read than may be on the page, and nothing older than what is on
// it by the lists before.
std::vector<std::int64_t> ImageSearch::read_lists(const Span& span) {
  const std::int64_t wanted = span.skipped + span.limit;
  std::int64_t lowest = lowest_;
  std::vector<std::int64_t> ids;
  auto query = connection_.query(statement(Gives::kIds));
  for (const LabelRow& label : labels_) {
    bind(query, label.id, lowest, {span.before, wanted, 0});
    while (query.next()) ids.push_back(query.integer(0));
    if (static_cast<std::int64_t>(ids.size()) < wanted) continue;
    std::nth_element(ids.begin(), ids.begin() + (wanted - 1), ids.end(), std::greater<>());
    ids.resize(static_cast<std::size_t>(wanted));
    lowest = ids.back();
  }
  std::sort(ids.begin(), ids.end(), std::greater<>());
  ids.erase(ids.begin(), ids.begin() + std::min<std::int64_t>(span.skipped, static_cast<std::int64_t>(ids.size())));
  return ids;
}

// Up to one more than are counted.
std::int64_t ImageSearch::count_found(std::int64_t lowest) {
  constexpr std::int64_t kMost = kCountedImages + 1;
  auto query = connection_.query(statement(Gives::kCount));
  const auto count = [&](std::optional<std::int64_t> list, std::int64_t most) {
    Span span;
    span.limit = most;
    bind(query, list, lowest, span);
    query.next();
    return query.integer(0);
  };
  if (lead_ != Lead::kLists) return count(std::nullopt, kMost);
  std::int64_t found = 0;
  for (const LabelRow& label : labels_) {
    if (found < kMost) found += count(label.id, kMost - found);
  }
  return found;
}

std::int64_t ImageSearch::count_named(std::int64_t most) {
  auto query = connection_.query("SELECT count(*) FROM (SELECT rowid FROM image_names WHERE name MATCH ?1 LIMIT ?2)");
  query.bind(phrase_, most).next();
  return query.integer(0);
}

db::Sql ImageSearch::statement(Gives gives) const {
  static constexpr auto kCountOfTable = "SELECT count(*) FROM (" + kIdsOfTable + ")";
  static constexpr auto kCountOfProvider = "SELECT count(*) FROM (" + kIdsOfProvider + ")";
  static constexpr auto kCountOfJob = "SELECT count(*) FROM (" + kIdsOfJob + ")";
  static constexpr auto kCountOfList = "SELECT count(*) FROM (" + kIdsOfListFiltered + ")";
  static constexpr auto kCountOfText = "SELECT count(*) FROM (" + kIdsOfText + ")";
  const bool ids = gives == Gives::kIds;
  switch (lead_) {
    case Lead::kProvider:
      return ids ? db::Sql(kIdsOfProvider) : db::Sql(kCountOfProvider);
    case Lead::kJob:
      return ids ? db::Sql(kIdsOfJob) : db::Sql(kCountOfJob);
    case Lead::kText:
      return ids ? db::Sql(kIdsOfText) : db::Sql(kCountOfText);
    case Lead::kLists:
      if (ids) return alone_ ? db::Sql(kIdsOfList) : db::Sql(kIdsOfListFiltered);
      return db::Sql(kCountOfList);
    default:
      return ids ? db::Sql(kIdsOfTable) : db::Sql(kCountOfTable);
  }
}

void ImageSearch::bind(db::Query& query, std::optional<std::int64_t> list, std::int64_t lowest,
                       const Span& span) const {
  if (lead_ == Lead::kText) {
    query.bind(provider_, job_, span.before, like_, folder_, camera_, lowest, taken_after_, taken_before_, phrase_,
               span.limit, span.skipped);
  } else {
    query.bind(provider_, job_, span.before, like_, folder_, camera_, lowest, taken_after_, taken_before_, list,
               span.limit, span.skipped);
  }
}

}  // namespace imgimport
