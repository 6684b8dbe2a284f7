#include "importer/candidates.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/glob.hpp"
#include "base/image_type.hpp"
#include "base/object_key.hpp"
#include "base/text.hpp"

namespace imgimport {
namespace {

bool matches_mime(const std::string& mime_type, const std::string& wanted) {
  if (wanted.ends_with("/*")) {
    return equals_ignore_case(std::string_view(mime_type).substr(0, wanted.size() - 1),
                              std::string_view(wanted).substr(0, wanted.size() - 1));
  }
  return equals_ignore_case(mime_type, wanted);
}

// "2024-05-01" as a bound means that whole day, so texts of different length compare by the shorter one's length.
int compare_days(std::string_view a, std::string_view bound) {
  return a.substr(0, bound.size()).compare(bound);
}

bool outside_sizes(const SourceFile& file, const ImportFilters& filters) {
  if (!file.size) return false;
  return (filters.min_size && *file.size < *filters.min_size) || (filters.max_size && *file.size > *filters.max_size);
}

bool outside_dimensions(const ImageFacts& image, const ImportFilters& filters) {
  const bool too_narrow = filters.min_width && image.width.value_or(0) < *filters.min_width;
  const bool too_low = filters.min_height && image.height.value_or(0) < *filters.min_height;
  return too_narrow || too_low;
}

bool outside_dates_taken(const ImageFacts& image, const ImportFilters& filters) {
  if (filters.taken_after.empty() && filters.taken_before.empty()) return false;
  if (image.taken_at.empty()) return true;
  return (!filters.taken_after.empty() && compare_days(image.taken_at, filters.taken_after) < 0) ||
         (!filters.taken_before.empty() && compare_days(image.taken_at, filters.taken_before) > 0);
}

bool outside_dates_modified(const SourceFile& file, const ImportFilters& filters) {
  if (!filters.modified_after && !filters.modified_before) return false;
  if (!file.modified_at) return true;
  return (filters.modified_after && *file.modified_at < *filters.modified_after) ||
         (filters.modified_before && *file.modified_at > *filters.modified_before);
}

}  // namespace

std::string filtered_out(const SourceFile& file, const ImportFilters& filters) {
  const auto& types = filters.mime_types;
  if (!types.empty() && std::none_of(types.begin(), types.end(),
                                     [&](const std::string& wanted) { return matches_mime(file.mime_type, wanted); })) {
    return "filtered_mime_type";
  }
  if (!filters.name_glob.empty() && !glob_match(filters.name_glob, file.name)) return "filtered_name";
  if (outside_sizes(file, filters)) return "filtered_size";
  if (outside_dimensions(file.image, filters)) return "filtered_dimensions";
  if (outside_dates_taken(file.image, filters)) return "filtered_date_taken";
  if (outside_dates_modified(file, filters)) return "filtered_date_modified";
  return {};
}

NewItem make_item(SourceFile file, std::string folder_path, const ImportFilters& filters,
                  const std::string& key_prefix) {
  NewItem item;
  item.folder_path = std::move(folder_path);
  if (!is_candidate(file.mime_type, file.name)) {
    item.state = ItemState::kIgnored;
    item.reason = ignored_reason(file.mime_type, file.name);
  } else if (std::string reason = filtered_out(file, filters); !reason.empty()) {
    item.state = ItemState::kIgnored;
    item.reason = std::move(reason);
  } else if (!file.can_download) {
    item.state = ItemState::kFailed;
    item.reason = "download_forbidden";
    item.remedy = "The owner has switched off downloading for viewers of this file: ask them to allow it, then retry";
  } else {
    item.key = make_object_key(key_prefix, file);
  }
  // A retry of a forbidden file needs its key as well.
  if (item.state == ItemState::kFailed) item.key = make_object_key(key_prefix, file);
  item.file = std::move(file);
  return item;
}

NewItem make_broken_shortcut(SourceFile shortcut, std::string folder_path, const Error& why) {
  NewItem item;
  item.folder_path = std::move(folder_path);
  item.state = ItemState::kFailed;
  item.reason = "shortcut_target_missing";
  item.remedy = why.message() +
                ". Restore or share the shortcut's target, or mend the shortcut, then import the folder again (a retry "
                "leaves it as it is)";
  item.file = std::move(shortcut);
  return item;
}

}  // namespace imgimport
