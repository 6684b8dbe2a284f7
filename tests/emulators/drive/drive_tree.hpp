// The emulator's folders and files, and how tests build them.
//
// Thread-safe: it may change while the emulator serves it. Every add_… returns the new item's Drive id, which depends
// only on the seed and on the order and names of what was added (or is the one asked for), never on time or chance.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "emulators/drive/drive_item.hpp"

namespace imgimport::emulator {

enum class ShownHashes : std::uint8_t { kAll = 1, kMd5Only, kNone };

struct FolderOptions {
  std::string id;  // empty: made up
  std::string resource_key;
  bool trashed = false;
  std::vector<std::size_t> page_layout;  // e.g. {1000, 0, 1300}; what is left over follows in pages of the asked size
};

struct FileOptions {
  std::string id;                         // empty: made up
  std::string mime_type;                  // empty: the content's
  ContentType type = ContentType::kJpeg;  // of synthetic content
  std::uint64_t size = 64 << 10;          // of synthetic content, in bytes
  std::optional<std::uint64_t> index;     // of synthetic content: two files with the same one hold the same bytes
  ContentPtr content;                     // instead of synthetic content
  ContentPtr served;                      // a download gives this, while size and hashes tell of `content`
  ShownHashes hashes = ShownHashes::kAll;
  std::optional<std::uint64_t> stated_size;  // a wrong one
  std::string resource_key;
  bool trashed = false;
  bool can_download = true;
  bool abusive = false;
  std::optional<ImageMetadata> image;
  std::optional<Timestamp> modified;
};

struct ShortcutOptions {
  std::string id;
  std::string target_mime_type;  // empty: the target's present one
  std::string target_resource_key;
  bool trashed = false;
};

struct ManyFiles {
  std::size_t count = 0;
  std::uint64_t size = 64 << 10;
  ContentType type = ContentType::kJpeg;
  std::string name_prefix = "image-";
  std::optional<ImageMetadata> image;
};

class DriveTree {
 public:
  explicit DriveTree(std::uint64_t seed = 1);

  // "My Drive", open to anyone with the link.
  const std::string& root_id() const noexcept { return root_id_; }

  // REQUIRES (all): the parent is a folder of this tree.
  std::string add_folder(const std::string& parent, const std::string& name, const FolderOptions& options = {});
  std::string add_file(const std::string& parent, const std::string& name, const FileOptions& options = {});
  // "image-000000.jpg"…; hashes are computed by all cores.
  std::vector<std::string> add_files(const std::string& parent, const ManyFiles& many);
  // No size, no hashes, not downloadable. `mime_type`: of a Google document.
  std::string add_document(const std::string& parent, const std::string& name,
                           std::string_view mime_type = kDocumentMime);
  // The target need not exist.
  std::string add_shortcut(const std::string& parent, const std::string& name, const std::string& target,
                           const ShortcutOptions& options = {});
  // A shared drive's top folder; its id is the drive's. Visible only with supportsAllDrives. Its members are the emails
  // of `members`; set_audience() of a folder in it shares that one with others.
  std::string add_shared_drive(const std::string& name, const Audience& members);

  // For the item and everything below it.
  void set_audience(const std::string& id, const Audience& audience);
  // Changes an item in place. false: there is none.
  bool change(const std::string& id, const std::function<void(DriveItem&)>& edit);
  // A new version of a file: new bytes, hashes, revision and modification time.
  bool replace_content(const std::string& id, ContentPtr content);
  // Takes the item out of its folder; it is then not found any more.
  bool remove(const std::string& id);

  std::optional<DriveItem> find(const std::string& id) const;
  std::size_t size() const;

  // Walks without copying, under the shared lock: `look` must be short and not call the tree.
  bool with_item(const std::string& id, const std::function<void(const DriveItem&)>& look) const;
  // The children of a folder, or every item when `parent` is empty; ends when `look` returns false.
  void for_each(const std::string& parent, std::size_t from,
                const std::function<bool(std::size_t, const DriveItem&)>& look) const;
  // All ids, in the order in which they were added.
  std::vector<std::string> ids() const;

 private:
  std::string make_id(std::string_view parent, std::string_view name);
  DriveItem child_of(const std::string& parent, const std::string& name, const std::string& id);
  DriveItem file_of(const std::string& parent, const std::string& name, const FileOptions& options);
  std::string insert(DriveItem item);
  DriveItem* at(const std::string& id);
  const DriveItem* at(const std::string& id) const;

  const std::uint64_t seed_;
  std::string root_id_;
  mutable std::shared_mutex mutex_;  // guards everything below
  std::deque<DriveItem> items_;
  std::unordered_map<std::string, std::uint32_t> index_;
  std::uint64_t next_ = 0;
};

}  // namespace imgimport::emulator
