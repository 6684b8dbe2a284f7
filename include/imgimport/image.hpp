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
  std::string text;  // part of the name, any case
  JobId job;
};

struct ImagePage {
  std::vector<Image> images;
  std::int64_t total = 0;  // over all pages
};

struct ImageStats {
  struct Provider {
    std::int64_t images = 0;
    std::int64_t bytes = 0;
  };
  std::map<std::string, Provider> by_provider;
};

}  // namespace imgimport
