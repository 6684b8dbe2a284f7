#include "metadata/labels.hpp"

#include <algorithm>

namespace imgimport {
namespace {

constexpr std::size_t kSortCharacters = 64;
constexpr std::size_t kYearLength = 4;
constexpr std::size_t kMonthLength = 7;
constexpr std::size_t kDayLength = 10;

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

std::string first_characters(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    if (begins_character(text[end]) && count-- == 0) break;
  }
  return std::string(text.substr(0, end));
}

bool begins_with_day(std::string_view text) {
  if (text.size() < kDayLength) return false;
  for (std::size_t i = 0; i < kDayLength; ++i) {
    const bool dash = i == kYearLength || i == kMonthLength;
    if (dash ? text[i] != '-' : (text[i] < '0' || text[i] > '9')) return false;
  }
  return true;
}

// Just behind `name` among names of its kind: no name goes on with a space.
std::string behind(std::string_view name) {
  return std::string(name) + ' ';
}

}  // namespace

std::vector<Label> labels_of(const Findable& image) {
  std::vector<Label> labels;
  const std::string& path = image.folder_path;
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (slash != 0) labels.push_back({LabelKind::kFolder, path.substr(0, slash)});
  }
  if (!path.empty()) labels.push_back({LabelKind::kFolder, path});
  if (!image.camera.empty()) labels.push_back({LabelKind::kCamera, image.camera});
  if (begins_with_day(image.taken_at)) {
    labels.push_back({LabelKind::kYear, image.taken_at.substr(0, kYearLength)});
    labels.push_back({LabelKind::kMonth, image.taken_at.substr(0, kMonthLength)});
    labels.push_back({LabelKind::kDay, image.taken_at.substr(0, kDayLength)});
  }
  return labels;
}

std::string_view parent_folder(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string sort_key(const Label& label) {
  std::string_view name = label.name;
  if (label.kind == LabelKind::kFolder) {
    if (const auto slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  }
  return first_characters(name, kSortCharacters);
}

std::int64_t parent_of_kind(LabelKind kind) {
  return kind == LabelKind::kFolder ? 0 : -static_cast<std::int64_t>(kind);
}

std::vector<LabelRange> date_ranges(std::string_view after, std::string_view before) {
  const std::string_view first = after.empty() ? "0000-00-00" : after;
  const std::string_view last = before.empty() ? "9999-99-99" : before;
  if (last < first) return {};
  const auto year = [](std::string_view day) { return std::string(day.substr(0, kYearLength)); };
  const auto month = [](std::string_view day) { return std::string(day.substr(0, kMonthLength)); };
  const std::string first_day(first);
  if (month(first) == month(last)) return {{LabelKind::kDay, first_day, behind(last)}};
  std::vector<LabelRange> ranges = {{LabelKind::kDay, first_day, behind(month(first) + "-99")},
                                    {LabelKind::kDay, month(last), behind(last)}};
  if (year(first) == year(last)) {
    ranges.push_back({LabelKind::kMonth, behind(month(first)), month(last)});
    return ranges;
  }
  ranges.push_back({LabelKind::kMonth, behind(month(first)), behind(year(first) + "-99")});
  ranges.push_back({LabelKind::kMonth, year(last), month(last)});
  ranges.push_back({LabelKind::kYear, behind(year(first)), year(last)});
  return ranges;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

bool asks_for_provider_alone(const ImageQuery& query) {
  return query.text.empty() && query.job.value().empty() && query.folder.empty() && query.camera.empty() &&
         query.taken_after.empty() && query.taken_before.empty();
}

Result<void> check_depth(const ImageTotal& total, std::int64_t page, std::int64_t per_page) {
  if (!total.goes_on || page - 1 <= (total.images - 1) / per_page) return {};
  return Error(ErrorCode::kInvalidArgument,
               "more images match than are counted, and the page lies behind those that are")
      .with_reason("page_too_deep")
      .with_remedy("ask for less by more conditions, or go on from page to page by next_cursor");
}

}  // namespace imgimport
