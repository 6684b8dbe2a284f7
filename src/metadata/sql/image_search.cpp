#include "metadata/sql/image_search.hpp"

#include <algorithm>
#include <utility>

#include "metadata/values.hpp"

namespace imgimport::sql {
namespace {

// Of a list with so few images all names are read rather than that the trigrams lead.
constexpr std::int64_t kShortList = 5'000;
// Of so many ids, the newest ones, a text that so many of them have is one that many names hold.
constexpr std::int64_t kNewestPart = 20'000;
constexpr std::int64_t kMany = 1'000;
constexpr std::int64_t kMost = kCountedImages + 1;
// Before and behind all days, but not before an image that has none.
constexpr const char* kEarliestDay = "0";
constexpr const char* kLatestDay = ":";

std::string pattern_document(std::string_view part) {
  JsonRows rows;
  const std::string document = rows.row().add("v", like_pattern(part)).take();
  return document.substr(1, document.size() - 2);  // the one row by itself
}

// Whether three letters or digits stand together: an index of trigrams knows no others. Of what is not ASCII nobody
// knows here: an index that knows nothing of it gives all, and all names are looked at.
bool has_trigram(std::string_view text) {
  int run = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if ((byte & 0xC0) == 0x80) continue;
    // Four bytes: signs and rare letters.
    run = letter || (byte >= 0xC3 && byte < 0xF0) ? run + 1 : 0;
    if (run == 3) return true;
  }
  return false;
}

}  // namespace

std::vector<Provider> read_providers(const Work& work) {
  std::vector<Provider> providers;
  for (const Row row : work.select(work.dialect.providers)) {
    providers.push_back({row.integer("id"), row.text("name"), row.integer("images"), row.integer("bytes")});
  }
  return providers;
}

std::optional<LabelRow> find_label(const Work& work, const Label& label) {
  JsonRows rows;
  rows.row().add("kind", static_cast<int>(label.kind)).add("name", label.name);
  const Rows found = work.select(work.dialect.find_labels, {{"rows", rows.take()}});
  if (found.empty()) return std::nullopt;
  return LabelRow{found[0].integer("id"), found[0].integer("images")};
}

ImageSearch::ImageSearch(const Work& work, const ImageQuery& wanted) : work_(work) {
  resolve(wanted);
  if (lead_ == Lead::kNothing) return;
  choose_lead();
}

// Names that do not exist match nothing.
void ImageSearch::resolve(const ImageQuery& wanted) {
  kept_ = asks_for_provider_alone(wanted);
  first_day_ = kEarliestDay;
  last_day_ = kLatestDay;
  pattern_ = pattern_document("");
  resolve_provider(wanted.storage_provider);
  if (!wanted.job.value().empty()) {
    const Rows jobs = work_.select(work_.dialect.job_by_uuid, {{"uuid", stored_text(wanted.job.value())}});
    if (jobs.empty()) {
      lead_ = Lead::kNothing;
    } else {
      job_ = jobs[0].integer("id");
      job_images_ = jobs[0].integer("imported") + jobs[0].integer("deduplicated");
    }
  }
  resolve_labels(wanted);
  if (lead_ != Lead::kNothing && !wanted.text.empty()) resolve_text(stored_text(wanted.text));
}

void ImageSearch::resolve_provider(const std::string& name) {
  std::int64_t used = 0;
  std::int64_t last_used = 0;
  for (const Provider& provider : read_providers(work_)) {
    if (provider.images != 0) ++used, last_used = provider.id;
    if (!name.empty() && provider.name != name) continue;
    if (!name.empty()) provider_ = provider.id;
    known_ += provider.images;
  }
  if (!name.empty() && provider_ == 0) lead_ = Lead::kNothing;
  // The provider of all images, when there is but one: its index leads, which is far smaller than the table.
  leading_provider_ = provider_ == 0 && used == 1 ? last_used : provider_;
}

void ImageSearch::resolve_labels(const ImageQuery& wanted) {
  const auto resolve_one = [&](LabelKind kind, const std::string& name, Lists lists) -> std::int64_t {
    if (name.empty()) return 0;
    const auto label = find_label(work_, {kind, stored_text(name)});
    if (!label) {
      lead_ = Lead::kNothing;
      return 0;
    }
    offer({*label}, label->images, lists);
    return label->id;
  };
  folder_ = resolve_one(LabelKind::kFolder, wanted.folder, Lists::kFolder);
  camera_ = resolve_one(LabelKind::kCamera, wanted.camera, Lists::kCamera);
  if (!wanted.taken_after.empty() || !wanted.taken_before.empty()) resolve_dates(wanted);
}

void ImageSearch::resolve_dates(const ImageQuery& wanted) {
  dated_ = true;
  if (!wanted.taken_after.empty()) first_day_ = stored_text(wanted.taken_after);
  if (!wanted.taken_before.empty()) last_day_ = stored_text(wanted.taken_before);
  JsonRows ranges;
  for (const LabelRange& range : date_ranges(wanted.taken_after, wanted.taken_before)) {
    ranges.row().add("parent", parent_of_kind(range.kind)).add("first", range.first).add("stop", range.end);
  }
  std::vector<LabelRow> labels;
  std::int64_t images = 0;
  if (!ranges.empty()) {
    for (const Row row : work_.select(work_.dialect.days, {{"rows", ranges.take()}})) {
      labels.push_back({row.integer("id"), row.integer("images")});
      images += labels.back().images;
    }
  }
  offer(std::move(labels), images, Lists::kDates);
}

void ImageSearch::resolve_text(const std::string& text) {
  named_ = true;
  pattern_ = pattern_document(text);
  has_trigram_ = work_.dialect.has_text_index && has_trigram(text);
  const bool is_short = work_.dialect.has_text_index ? !has_trigram_ : count_characters(text) < 3;
  if (!is_short) return;
  // The first one that is not looked at.
  const auto behind = find_position(0, kShortTextImages);
  if (!behind) return;
  const auto id = work_.integer(work_.dialect.id_below, {{"before", behind->before}, {"offset", behind->skipped}});
  if (id) lowest_ = *id + 1;
}

void ImageSearch::offer(std::vector<LabelRow> labels, std::int64_t images, Lists lists) {
  if (lists_ != Lists::kNone && images >= listed_) return;
  lists_ = lists;
  listed_ = images;
  labels_ = std::move(labels);
}

void ImageSearch::choose_lead() {
  if (lists_ != Lists::kNone && (job_ == 0 || listed_ <= job_images_)) {
    lead_ = Lead::kLists;
    alone_ = provider_ == 0 && job_ == 0 && !named_ && (folder_ == 0 || lists_ == Lists::kFolder) &&
             (camera_ == 0 || lists_ == Lists::kCamera) && (!dated_ || lists_ == Lists::kDates);
  } else if (job_ != 0) {
    lead_ = Lead::kJob;
  } else if (leading_provider_ != 0) {
    lead_ = Lead::kProvider;
  }
  const bool is_short =
      (lead_ == Lead::kLists && listed_ <= kShortList) || (lead_ == Lead::kJob && job_images_ <= kShortList);
  by_name_ = has_trigram_ && !is_short;
}

// So many below that id is the image behind `skipped` others.
std::optional<ImageSearch::Position> ImageSearch::find_position(std::int64_t provider, std::int64_t skipped) {
  const Rows blocks = work_.select(work_.dialect.find_block, {{"provider", provider}, {"skip", skipped}});
  if (blocks.empty()) return std::nullopt;
  return Position{(blocks[0].integer("block") + 1) * kBlockSize, skipped - blocks[0].integer("above")};
}

// The lowest of so many ids below `before`, of lists of about so many.
std::int64_t ImageSearch::newest_part(std::int64_t before) {
  if (const auto newest = find_position(0, 0)) before = std::min(before, newest->before);
  const std::int64_t share =
      lead_ == Lead::kLists ? std::max<std::int64_t>(1, known_ / std::max<std::int64_t>(1, listed_)) : 1;
  return std::max(lowest_, before - kNewestPart * share);
}

ImageTotal ImageSearch::count() {
  if (lead_ == Lead::kNothing) return {};
  if (kept_) return {known_};
  if (by_name_) return count_named();
  const std::int64_t found = lead_ == Lead::kLists && alone_ ? listed_ : count_found(lead_, lowest_);
  return {std::min(found, kCountedImages), found > kCountedImages || lowest_ > 0, found > kCountedImages};
}

ImageTotal ImageSearch::count_named() {
  const std::int64_t newest = count_found(lead_, newest_part(std::numeric_limits<std::int64_t>::max()));
  if (newest >= kMany) {
    by_name_ = false;  // pages are among the newest
    return {std::min(newest, kCountedImages), true, true};
  }
  by_name_images_ = count_found(Lead::kText, 0);
  return {std::min(*by_name_images_, kCountedImages), *by_name_images_ >= kMost, *by_name_images_ >= kMost};
}

std::vector<Image> ImageSearch::page(std::int64_t skipped, std::int64_t limit) {
  Span span;
  span.limit = limit;
  span.skipped = skipped;
  if (kept_) {
    const auto position = find_position(provider_, skipped);
    if (!position) return {};
    span.before = position->before;
    span.skipped = position->skipped;
  }
  return read(span);
}

std::vector<Image> ImageSearch::below(ImageId before, std::int64_t limit) {
  Span span;
  span.limit = limit;
  if (before.value() > 0) span.before = before.value();
  return read(span);
}

std::vector<Image> ImageSearch::read(const Span& span) {
  if (lead_ == Lead::kNothing || span.limit <= 0) return {};
  return by_name_ ? read_named(span) : read_by(lead_, span);
}

std::vector<Image> ImageSearch::read_named(const Span& span) {
  if (!by_name_images_) {
    Span newest = span;
    newest.lowest = newest_part(span.before);
    auto images = read_by(lead_, newest);
    if (static_cast<std::int64_t>(images.size()) == span.limit) return images;
    by_name_images_ = count_found(Lead::kText, 0);
  }
  return read_by(*by_name_images_ < kMost ? Lead::kText : lead_, span);
}

std::vector<Image> ImageSearch::read_by(Lead lead, const Span& span) {
  std::vector<Image> images;
  if (lead == Lead::kLists && labels_.empty()) return images;
  const Rows rows = work_.select(page_statement(lead), arguments(lead, span));
  images.reserve(rows.size());
  for (const Row row : rows) images.push_back(image(row));
  return images;
}

std::int64_t ImageSearch::count_found(Lead lead, std::int64_t lowest) {
  if (lead == Lead::kLists && labels_.empty()) return 0;
  std::vector<db::SqlArgument> given;
  if (lead == Lead::kText) {
    given = {{"most", kMost}};
    add_conditions(lead, given);
  } else {
    Span span;
    span.limit = kMost;
    span.lowest = lowest;
    given = arguments(lead, span);
  }
  return work_.integer(count_statement(lead), given).value_or(0);
}

db::Sql ImageSearch::page_statement(Lead lead) const {
  const Dialect& dialect = work_.dialect;
  switch (lead) {
    case Lead::kProvider:
      return dialect.page_provider;
    case Lead::kJob:
      return dialect.page_job;
    case Lead::kLists:
      return alone_ ? dialect.page_lists : dialect.page_lists_filtered;
    case Lead::kText:
      return dialect.page_text;
    default:
      return dialect.page_table;
  }
}

db::Sql ImageSearch::count_statement(Lead lead) const {
  const Dialect& dialect = work_.dialect;
  switch (lead) {
    case Lead::kProvider:
      return dialect.count_provider;
    case Lead::kJob:
      return dialect.count_job;
    case Lead::kLists:
      return dialect.count_lists_filtered;
    case Lead::kText:
      return dialect.count_text;
    default:
      return dialect.count_table;
  }
}

std::vector<db::SqlArgument> ImageSearch::arguments(Lead lead, const Span& span) const {
  std::vector<db::SqlArgument> arguments = {{"before", span.before}, {"limit", span.limit}, {"offset", span.skipped}};
  const bool is_list = lead == Lead::kLists;
  if (lead != Lead::kText) arguments.push_back({"lowest", std::max(lowest_, span.lowest)});
  if (lead == Lead::kText) arguments.push_back({"most", kMost});
  if (lead == Lead::kProvider) arguments.push_back({"lead", leading_provider_});
  if (lead == Lead::kJob) arguments.push_back({"lead", job_});
  if (is_list) {
    JsonRows rows;
    for (const LabelRow& label : labels_) rows.row().add("id", label.id);
    arguments.push_back({"rows", rows.take()});
    arguments.push_back({"most", span.skipped + span.limit});
  }
  if (!is_list || !alone_) add_conditions(lead, arguments);
  return arguments;
}

void ImageSearch::add_conditions(Lead lead, std::vector<db::SqlArgument>& arguments) const {
  const auto leads = [&](Lists lists) { return lead == Lead::kLists && lists_ == lists; };
  arguments.push_back({"provider", lead == Lead::kProvider ? 0 : provider_});
  arguments.push_back({"job", lead == Lead::kJob ? 0 : job_});
  arguments.push_back({"folder", leads(Lists::kFolder) ? 0 : folder_});
  arguments.push_back({"camera", leads(Lists::kCamera) ? 0 : camera_});
  arguments.push_back({"dated", dated_ && !leads(Lists::kDates) ? 1 : 0});
  arguments.push_back({"named", named_ ? 1 : 0});
  arguments.push_back({"first_day", first_day_});
  arguments.push_back({"last_day", last_day_});
  arguments.push_back({"pattern", pattern_});
}

}  // namespace imgimport::sql
