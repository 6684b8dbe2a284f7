// A file, folder, shortcut, document or shared drive as the emulator holds it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "emulators/drive/content.hpp"
#include "imgimport/clock.hpp"

namespace imgimport::emulator {

inline constexpr std::string_view kFolderMime = "application/vnd.google-apps.folder";
inline constexpr std::string_view kShortcutMime = "application/vnd.google-apps.shortcut";
inline constexpr std::string_view kDocumentMime = "application/vnd.google-apps.document";

enum class ItemKind : std::uint8_t { kFolder = 1, kFile, kShortcut, kDocument };

// Drive's imageMediaMetadata. Empty and zero mean unknown.
struct ImageMetadata {
  std::int32_t width = 0;  // of the stored pixels; `rotation` clockwise quarter turns show them upright
  std::int32_t height = 0;
  std::int32_t rotation = 0;
  std::string time;  // as in EXIF: "2021:06:05 12:00:00"
  std::string camera_make;
  std::string camera_model;
  std::optional<double> latitude;
  std::optional<double> longitude;
};

// Who may see an item. Children inherit their folder's.
struct Audience {
  bool anyone = false;  // with the link
  std::set<std::string> emails;
};

struct ShortcutTarget {
  std::string id;
  std::string mime_type;
  std::string resource_key;
};

struct DriveItem {
  ItemKind kind = ItemKind::kFile;
  std::string id;
  std::string name;
  std::string mime_type;
  std::string parent_id;     // empty: a root
  std::string drive_id;      // of the shared drive that it lies in
  std::string resource_key;  // not empty: needed by whoever sees the item only through its link
  ContentPtr content;        // files: what size and hashes tell
  ContentPtr served;         // files: what a download gives, where it is something else
  ContentHashes hashes;      // as shown: empty ones are left out
  std::optional<std::uint64_t> size;
  std::string head_revision;
  std::uint64_t version = 1;
  Timestamp created{};
  Timestamp modified{};
  bool trashed = false;
  bool can_download = true;
  bool abusive = false;  // needs acknowledgeAbuse=true
  std::optional<ImageMetadata> image;
  ShortcutTarget target;
  std::shared_ptr<const Audience> audience;
  std::vector<std::uint32_t> children;   // folders: positions in the tree
  std::vector<std::size_t> page_layout;  // folders: how many children each page holds; 0 = an empty page
};

}  // namespace imgimport::emulator
