// The image record: one row per picture that is safe in storage.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "imgimport/clock.hpp"
#include "imgimport/ids.hpp"
#include "imgimport/object_store.hpp"
#include "imgimport/source.hpp"

namespace imgimport {

struct Image {
  ImageId id;
  std::string name;  // as in Drive
  DriveId drive_id;
  std::uint64_t size_bytes = 0;
  std::string mime_type;  // by its first bytes
  StorePlace place;
  ObjectKey key;
  std::string etag;
  std::string version_id;
  Timestamp created_at;
  JobId job;  // that stored it last
  std::string folder_path;
  ContentHashes hashes;
  bool checksum_verified = false;
  // The object was found missing or different (JobStore::report_damage), and has not been stored again since: nothing
  // relies on the record, which stays.
  bool damaged = false;
  ImageFacts facts;
  std::optional<Timestamp> drive_modified_at;
};

// Which images; all conditions must hold. Empty = no condition.
struct ImageQuery {
  std::string storage_provider;
  // Part of the name; letters of ASCII in any case. Where the store has no index for so short a text (one or two
  // characters, or nothing but signs), it is looked for among the newest kShortTextImages records.
  std::string text;
  JobId job;
  std::string folder;        // an Image::folder_path: the images in it and in the folders below it
  std::string camera;        // as in ImageFacts::camera
  std::string taken_after;   // "YYYY-MM-DD": taken on that day or later; images without taken_at are none of them
  std::string taken_before;  // on that day or earlier
};

// Where anything but the provider is asked for, images are counted up to this many at most, and pages end there; a walk
// does not.
inline constexpr std::int64_t kCountedImages = 10'000;
inline constexpr std::int64_t kShortTextImages = 20'000;

struct ImagePage {
  std::vector<Image> images;
  std::int64_t total = 0;  // over all pages
  // There may be more than `total`: kCountedImages were found, or not all records were looked at.
  bool total_capped = false;
};

// A folder or a camera, and the images that have it.
struct ImageGroup {
  std::string name;         // ImageQuery::folder or ImageQuery::camera
  std::int64_t images = 0;  // of a folder: those in the folders below it as well; never 0
};

struct ImageStats {
  struct Provider {
    std::int64_t images = 0;
    std::int64_t bytes = 0;
  };
  std::map<std::string, Provider> by_provider;
};

}  // namespace imgimport
