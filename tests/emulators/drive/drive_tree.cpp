#include "emulators/drive/drive_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace imgimport::emulator {
namespace {

// All that is made is dated from here on, so that two runs tell the same times. 2021-03-01T09:00:00Z.
constexpr Timestamp kBeginning{std::chrono::milliseconds{1'614'589'200'000}};

std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 33;
  value *= 0xFF51AFD7ED558CCDu;
  value ^= value >> 33;
  value *= 0xC4CEB9FE1A85EC53u;
  return value ^ (value >> 33);
}

std::uint64_t hash_text(std::uint64_t state, std::string_view text) {
  for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return mix(state);
}

// Hashes many contents with all cores; the order of the result is that of `items`.
void fill_hashes(std::vector<DriveItem>& items) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < items.size(); i = next++) items[i].hashes = items[i].content->hashes();
  };
  std::vector<std::jthread> helpers;
  if (items.size() > 64) {
    for (unsigned i = 1; i < std::max(1u, std::thread::hardware_concurrency()); ++i) helpers.emplace_back(work);
  }
  work();
}

std::string revision_id(const DriveItem& item) {
  return fmt::format("0B{:016x}{:06x}", mix(hash_text(17, item.id)), item.version);
}

}  // namespace

DriveTree::DriveTree(std::uint64_t seed) : seed_(seed) {
  DriveItem root;
  root.kind = ItemKind::kFolder;
  root.id = make_id("", "My Drive");
  root.name = "My Drive";
  root.mime_type = kFolderMime;
  root.created = root.modified = kBeginning;
  root.audience = std::make_shared<Audience>(Audience{.anyone = true});
  root_id_ = insert(std::move(root));
}

std::string DriveTree::make_id(std::string_view parent, std::string_view name) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::uint64_t state = hash_text(hash_text(mix(seed_ + 1) ^ next_++, parent), name);
  std::string id = "1";
  while (id.size() < 33) {
    std::uint64_t word = state = mix(state + 0x9E3779B97F4A7C15u);
    for (int i = 0; i < 8; ++i, word >>= 6) id += kAlphabet[word & 63];
  }
  return id;
}

std::string DriveTree::insert(DriveItem item) {
  const auto position = static_cast<std::uint32_t>(items_.size());
  const std::string id = item.id;
  if (const auto parent = index_.find(item.parent_id); parent != index_.end()) {
    items_[parent->second].children.push_back(position);
  }
  if (!item.head_revision.empty()) item.head_revision = revision_id(item);
  items_.push_back(std::move(item));
  index_[id] = position;
  return id;
}

DriveItem* DriveTree::at(const std::string& id) {
  const auto found = index_.find(id);
  return found == index_.end() ? nullptr : &items_[found->second];
}

const DriveItem* DriveTree::at(const std::string& id) const {
  return const_cast<DriveTree*>(this)->at(id);
}

DriveItem DriveTree::child_of(const std::string& parent, const std::string& name, const std::string& id) {
  DriveItem item;
  item.id = id.empty() ? make_id(parent, name) : id;
  item.name = name;
  item.parent_id = parent;
  item.created = kBeginning + std::chrono::minutes(items_.size() % 500'000);
  item.modified = item.created + std::chrono::seconds(30);
  if (const DriveItem* folder = at(parent)) {
    item.drive_id = folder->drive_id;
    item.audience = folder->audience;
  }
  return item;
}

std::string DriveTree::add_folder(const std::string& parent, const std::string& name, const FolderOptions& options) {
  const std::unique_lock lock(mutex_);
  DriveItem item = child_of(parent, name, options.id);
  item.kind = ItemKind::kFolder;
  item.mime_type = kFolderMime;
  item.resource_key = options.resource_key;
  item.trashed = options.trashed;
  item.page_layout = options.page_layout;
  return insert(std::move(item));
}

DriveItem DriveTree::file_of(const std::string& parent, const std::string& name, const FileOptions& options) {
  DriveItem item = child_of(parent, name, options.id);
  item.content = options.content ? options.content
                                 : synthetic_content({.seed = seed_,
                                                      .index = options.index.value_or(items_.size() + (1u << 24)),
                                                      .size = options.size,
                                                      .type = options.type});
  item.served = options.served;
  item.mime_type = !options.mime_type.empty() ? options.mime_type : std::string(mime_type_of(options.type));
  item.size = options.stated_size.value_or(item.content->size());
  item.resource_key = options.resource_key;
  item.trashed = options.trashed;
  item.can_download = options.can_download;
  item.abusive = options.abusive;
  item.image = options.image;
  if (options.modified) item.modified = *options.modified;
  item.head_revision = "1";
  return item;
}

std::string DriveTree::add_file(const std::string& parent, const std::string& name, const FileOptions& options) {
  const std::unique_lock lock(mutex_);
  DriveItem item = file_of(parent, name, options);
  if (options.hashes != ShownHashes::kNone) item.hashes = item.content->hashes();
  if (options.hashes == ShownHashes::kMd5Only) item.hashes = {.md5 = item.hashes.md5};
  return insert(std::move(item));
}

std::vector<std::string> DriveTree::add_files(const std::string& parent, const ManyFiles& many) {
  const std::unique_lock lock(mutex_);
  std::vector<DriveItem> made;
  made.reserve(many.count);
  const std::uint64_t first_index = items_.size() + (1u << 24);
  const std::string_view extension = many.type == ContentType::kJpeg ? "jpg" : to_string(many.type);
  FileOptions options{.type = many.type, .size = many.size, .image = many.image};
  for (std::size_t i = 0; i < many.count; ++i) {
    options.index = first_index + i;
    made.push_back(file_of(parent, fmt::format("{}{:06}.{}", many.name_prefix, i, extension), options));
  }
  fill_hashes(made);
  std::vector<std::string> ids;
  ids.reserve(many.count);
  for (DriveItem& item : made) ids.push_back(insert(std::move(item)));
  return ids;
}

std::string DriveTree::add_document(const std::string& parent, const std::string& name, std::string_view mime_type) {
  const std::unique_lock lock(mutex_);
  DriveItem item = child_of(parent, name, {});
  item.kind = ItemKind::kDocument;
  item.mime_type = mime_type;
  return insert(std::move(item));
}

std::string DriveTree::add_shortcut(const std::string& parent, const std::string& name, const std::string& target,
                                    const ShortcutOptions& options) {
  const std::unique_lock lock(mutex_);
  DriveItem item = child_of(parent, name, options.id);
  item.kind = ItemKind::kShortcut;
  item.mime_type = kShortcutMime;
  item.trashed = options.trashed;
  const DriveItem* aim = at(target);
  item.target = {.id = target,
                 .mime_type = !options.target_mime_type.empty() ? options.target_mime_type
                              : aim                             ? aim->mime_type
                                                                : "image/jpeg",
                 .resource_key = options.target_resource_key};
  return insert(std::move(item));
}

std::string DriveTree::add_shared_drive(const std::string& name, const Audience& members) {
  const std::unique_lock lock(mutex_);
  DriveItem item = child_of("", name, {});
  item.id = "0A" + item.id.substr(1, 14) + "PVA";
  item.kind = ItemKind::kFolder;
  item.mime_type = kFolderMime;
  item.drive_id = item.id;
  item.audience = std::make_shared<Audience>(members);
  return insert(std::move(item));
}

void DriveTree::set_audience(const std::string& id, const Audience& audience) {
  const std::unique_lock lock(mutex_);
  const auto found = index_.find(id);
  if (found == index_.end()) return;
  const auto shared = std::make_shared<const Audience>(audience);
  std::vector<std::uint32_t> open{found->second};
  while (!open.empty()) {
    DriveItem& item = items_[open.back()];
    open.pop_back();
    item.audience = shared;
    open.insert(open.end(), item.children.begin(), item.children.end());
  }
}

bool DriveTree::change(const std::string& id, const std::function<void(DriveItem&)>& edit) {
  const std::unique_lock lock(mutex_);
  DriveItem* item = at(id);
  if (item) edit(*item);
  return item != nullptr;
}

bool DriveTree::replace_content(const std::string& id, ContentPtr content) {
  return change(id, [&](DriveItem& item) {
    item.content = std::move(content);
    item.served = nullptr;
    item.size = item.content->size();
    item.hashes = item.content->hashes();
    item.modified += std::chrono::hours(24);
    ++item.version;
    item.head_revision = revision_id(item);
  });
}

bool DriveTree::remove(const std::string& id) {
  const std::unique_lock lock(mutex_);
  const auto found = index_.find(id);
  if (found == index_.end()) return false;
  if (DriveItem* parent = at(items_[found->second].parent_id)) std::erase(parent->children, found->second);
  index_.erase(found);
  return true;
}

std::optional<DriveItem> DriveTree::find(const std::string& id) const {
  const std::shared_lock lock(mutex_);
  const DriveItem* item = at(id);
  if (!item) return std::nullopt;
  return *item;
}

std::size_t DriveTree::size() const {
  const std::shared_lock lock(mutex_);
  return index_.size();
}

bool DriveTree::with_item(const std::string& id, const std::function<void(const DriveItem&)>& look) const {
  const std::shared_lock lock(mutex_);
  const DriveItem* item = at(id);
  if (item) look(*item);
  return item != nullptr;
}

void DriveTree::for_each(const std::string& parent, std::size_t from,
                         const std::function<bool(std::size_t, const DriveItem&)>& look) const {
  const std::shared_lock lock(mutex_);
  if (!parent.empty()) {
    const DriveItem* folder = at(parent);
    for (std::size_t i = from; folder && i < folder->children.size(); ++i) {
      if (!look(i, items_[folder->children[i]])) return;
    }
    return;
  }
  for (std::size_t i = from; i < items_.size(); ++i) {
    if (index_.contains(items_[i].id) && !look(i, items_[i])) return;
  }
}

std::vector<std::string> DriveTree::ids() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> all;
  all.reserve(items_.size());
  for (const DriveItem& item : items_) {
    if (index_.contains(item.id)) all.push_back(item.id);
  }
  return all;
}

}  // namespace imgimport::emulator
