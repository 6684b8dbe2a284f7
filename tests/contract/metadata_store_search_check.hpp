// What lists of images must give, worked out the slow way from all records: for tests of whatever changes records.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "contract/metadata_store_backends.hpp"

namespace imgimport::metadata_suite {

inline std::vector<Image> all_images(ImageStore& store, const ImageQuery& query = {}, std::size_t step = 500) {
  std::vector<Image> images;
  while (true) {
    auto more = get(store.walk(kCall, query, images.empty() ? ImageId(0) : images.back().id, step));
    images.insert(images.end(), more.begin(), more.end());
    if (more.size() < step) return images;
  }
}

inline std::vector<std::int64_t> ids_of(const std::vector<Image>& images) {
  std::vector<std::int64_t> ids;
  for (const Image& image : images) ids.push_back(image.id.value());
  return ids;
}

inline bool is_meant(const Image& image, const ImageQuery& query) {
  const std::string& path = image.folder_path;
  const bool within = path.starts_with(query.folder) &&
                      (query.folder.empty() || path.size() == query.folder.size() || path[query.folder.size()] == '/');
  const std::string day = image.facts.taken_at.substr(0, 10);
  return (query.storage_provider.empty() || image.place.provider == query.storage_provider) &&
         (query.job.value().empty() || image.job == query.job) && within &&
         (query.camera.empty() || image.facts.camera == query.camera) &&
         (query.taken_after.empty() || (!day.empty() && day >= query.taken_after)) &&
         (query.taken_before.empty() || (!day.empty() && day <= query.taken_before)) &&
         to_lower_ascii(image.name).find(to_lower_ascii(query.text)) != std::string::npos;
}

// The ids that a query must give; fewer than what is capped.
inline std::vector<std::int64_t> expected(const std::vector<Image>& all, const ImageQuery& query) {
  std::vector<std::int64_t> ids;
  for (const Image& image : all) {
    if (is_meant(image, query)) ids.push_back(image.id.value());
  }
  return ids;
}

inline std::map<std::string, std::int64_t> folder_tree(ImageStore& store, const std::string& parent = "") {
  std::map<std::string, std::int64_t> tree;
  std::string after;
  while (true) {
    const auto groups = get(store.folders(kCall, {parent, after, 3}));
    for (const ImageGroup& group : groups) {
      tree[group.name] = group.images;
      tree.merge(folder_tree(store, group.name));
    }
    if (groups.size() < 3) return tree;
    after = groups.back().name;
  }
}

inline std::map<std::string, std::int64_t> camera_list(ImageStore& store) {
  std::map<std::string, std::int64_t> cameras;
  std::string after;
  while (true) {
    const auto groups = get(store.cameras(kCall, {"", after, 2}));
    for (const ImageGroup& group : groups) cameras[group.name] = group.images;
    if (groups.size() < 2) return cameras;
    after = groups.back().name;
  }
}

// Whether all that is kept for lists agrees with the records: counts, folders, cameras, days, names.
inline bool lists_agree(ImageStore& store) {
  const std::vector<Image> all = all_images(store);
  std::map<std::string, std::int64_t> folders;
  std::map<std::string, std::int64_t> cameras;
  std::set<std::string> days;
  std::set<std::string> names;
  for (const Image& image : all) {
    const std::string& path = image.folder_path;
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      ++folders[path.substr(0, slash)];
    }
    if (!path.empty()) ++folders[path];
    if (!image.facts.camera.empty()) ++cameras[image.facts.camera];
    if (!image.facts.taken_at.empty()) days.insert(image.facts.taken_at.substr(0, 10));
    names.insert(image.name);
  }
  const auto finds = [&](const ImageQuery& query) { return ids_of(all_images(store, query)) == expected(all, query); };
  bool agree = get(store.page(kCall, {}, 1, 1)).total == static_cast<std::int64_t>(all.size());
  agree = agree && folder_tree(store) == folders && camera_list(store) == cameras;
  for (const auto& [folder, images] : folders) agree = agree && finds({.folder = folder});
  for (const auto& [camera, images] : cameras) agree = agree && finds({.camera = camera});
  for (const std::string& day : days) agree = agree && finds({.taken_after = day, .taken_before = day});
  // Names by the dozen: each is a query.
  for (const std::string& name : names) {
    if (names.size() < 50 || std::hash<std::string>{}(name) % (names.size() / 25) == 0) {
      agree = agree && finds({.text = name});
    }
  }
  return agree;
}

}  // namespace imgimport::metadata_suite
