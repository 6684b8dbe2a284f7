// Labels: what images are found by besides their place, job and name. An image has one for each folder on its path, one
// for its camera, and those of the year, month and day it was taken on. A store keeps for each label how many images
// have it, and which. Pure functions.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "imgimport/image.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Stored by number: never renumber.
enum class LabelKind : std::uint8_t { kFolder = 1, kCamera, kYear, kMonth, kDay };

struct Label {
  LabelKind kind = LabelKind::kFolder;
  std::string name;  // a folder's whole path; a camera; "2024", "2024-05", "2024-05-06"
  friend auto operator<=>(const Label&, const Label&) = default;
};

// What an image is found by, as it is stored: its name, and what its labels follow from.
struct Findable {
  std::string name;
  std::string folder_path;
  std::string camera;
  std::string taken_at;
  friend bool operator==(const Findable&, const Findable&) = default;
};

// Folders from the topmost down, then the others.
std::vector<Label> labels_of(const Findable& image);

// The path above a folder; empty for the topmost.
std::string_view parent_folder(std::string_view path);

// By what labels of one kind below one folder are put in order: at most 64 characters.
std::string sort_key(const Label& label);

// In `labels.parent_id`, for labels that have nothing above them.
std::int64_t parent_of_kind(LabelKind kind);

// The labels of one kind from `first` to before `end`.
struct LabelRange {
  LabelKind kind = LabelKind::kDay;
  std::string first;
  std::string end;
};
// Ranges that together hold each image taken from the day `after` to the day `before` (empty = from the first, to the
// last) exactly once.
std::vector<LabelRange> date_ranges(std::string_view after, std::string_view before);

// How many characters the text has.
std::size_t count_characters(std::string_view text);

// Images are counted by blocks of so many ids, for pages deep in the list.
inline constexpr std::int64_t kBlockSize = 4096;

// Whether the query asks for nothing, or only for the provider.
bool asks_for_provider_alone(const ImageQuery& query);

// How many images a query means.
struct ImageTotal {
  std::int64_t images = 0;
  bool capped = false;  // there may be more
  // More that pages do not show, and a walk does.
  bool goes_on = false;
};
// kInvalidArgument (page_too_deep): the page begins behind a total that goes on. REQUIRES: page and per_page are 1 or
// greater
Result<void> check_depth(const ImageTotal& total, std::int64_t page, std::int64_t per_page);

}  // namespace imgimport
