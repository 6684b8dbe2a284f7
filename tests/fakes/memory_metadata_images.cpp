// ImageStore in memory.
#include <algorithm>

#include "base/text.hpp"
#include "fakes/memory_metadata_store.hpp"
#include "metadata/garbage.hpp"
#include "metadata/values.hpp"

namespace imgimport {
namespace {

constexpr std::chrono::minutes kRemovalGrace{2};

// As the real store decides it: hashes where Drive's were matched, else revision or key.
bool is_unchanged(const Image& image, const std::string& revision, const NewItem& item) {
  const ContentHashes& hashes = item.file.hashes;
  if (image.checksum_verified) {
    if (!image.hashes.sha256.empty() && !hashes.sha256.empty()) return image.hashes.sha256 == hashes.sha256;
    if (!image.hashes.md5.empty() && !hashes.md5.empty()) {
      return image.hashes.md5 == hashes.md5 && image.size_bytes == item.file.size;
    }
  }
  if (!item.file.head_revision.empty() && revision == item.file.head_revision) return true;
  return !item.key.value().empty() && image.key == item.key;
}

bool is_same_content(const Image& image, const NewItem& item) {
  const ContentHashes& hashes = item.file.hashes;
  if (!image.hashes.sha256.empty() && !hashes.sha256.empty()) return image.hashes.sha256 == hashes.sha256;
  return !hashes.md5.empty() && image.hashes.md5 == hashes.md5 && image.size_bytes == item.file.size;
}

// Whether `path` is `folder` or below it.
bool is_within(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

std::string day_of(const Image& image) {
  return image.facts.taken_at.substr(0, 10);
}

// Whether only the newest records are searched for it.
bool is_short(std::string_view text) {
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return std::count_if(text.begin(), text.end(), begins) < 3;
}

// With its texts as records hold them.
ImageQuery as_stored(ImageQuery query) {
  for (std::string* text : {&query.text, &query.folder, &query.camera}) *text = stored_text(*text);
  return query;
}

bool has_only_provider(const ImageQuery& query) {
  return query.text.empty() && query.job.value().empty() && query.folder.empty() && query.camera.empty() &&
         query.taken_after.empty() && query.taken_before.empty();
}

std::vector<ImageGroup> groups(const std::map<std::string, std::int64_t>& counts, const ImageStore::GroupQuery& query) {
  std::vector<ImageGroup> groups;
  for (auto it = counts.upper_bound(query.after); it != counts.end() && groups.size() < query.limit; ++it) {
    if (!it->first.empty()) groups.push_back({it->first, it->second});
  }
  return groups;
}

}  // namespace

MemoryMetadataStore::ImageEntry* MemoryMetadataStore::record(const StorePlace& place, const DriveId& drive_id) {
  for (auto& [id, entry] : images_) {
    if (entry.image.place == place && entry.image.drive_id == drive_id) return &entry;
  }
  return nullptr;
}

MemoryMetadataStore::ImageEntry* MemoryMetadataStore::live(const StorePlace& place, ImageId id) {
  const auto found = images_.find(id.value());
  const bool is_live =
      found != images_.end() && found->second.going == Going::kNot && found->second.image.place == place;
  return is_live ? &found->second : nullptr;
}

std::optional<KnownImage> MemoryMetadataStore::known_image(const StorePlace& place, const ItemEntry& item) {
  const ImageEntry* own = record(place, item.listed.file.id);
  const auto is_sound = [](const ImageEntry& entry) { return entry.going == Going::kNot && !entry.image.damaged; };
  if (own != nullptr && is_sound(*own) && is_unchanged(own->image, own->head_revision, item.listed)) {
    return KnownImage{own->image.id, own->image.key, true};
  }
  for (const auto& [id, entry] : images_) {
    if (!is_sound(entry) || entry.image.place != place) continue;
    if (is_same_content(entry.image, item.listed)) return KnownImage{entry.image.id, entry.image.key, &entry == own};
  }
  return std::nullopt;
}

bool MemoryMetadataStore::matches(const ImageEntry& entry, const ImageQuery& query) const {
  if (entry.going != Going::kNot) return false;
  if (!query.storage_provider.empty() && entry.image.place.provider != query.storage_provider) return false;
  if (!query.job.value().empty() && entry.image.job != query.job) return false;
  if (!query.folder.empty() && !is_within(entry.image.folder_path, query.folder)) return false;
  if (!query.camera.empty() && entry.image.facts.camera != query.camera) return false;
  const std::string day = day_of(entry.image);
  if (!query.taken_after.empty() && (day.empty() || day < query.taken_after)) return false;
  if (!query.taken_before.empty() && (day.empty() || day > query.taken_before)) return false;
  return query.text.empty() || to_lower_ascii(entry.image.name).find(to_lower_ascii(query.text)) != std::string::npos;
}

// The lowest id that is looked at: short texts are not looked for in all records.
std::int64_t MemoryMetadataStore::lowest_searched(const ImageQuery& query) const {
  if (query.text.empty() || !is_short(query.text)) return 0;
  std::int64_t seen = 0;
  for (auto it = images_.rbegin(); it != images_.rend(); ++it) {
    if (it->second.going == Going::kNot && ++seen > kShortTextImages) return std::prev(it)->first;
  }
  return 0;
}

Result<Image> MemoryMetadataStore::image(const CallContext& context, ImageId id) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  const auto found = images_.find(id.value());
  if (found == images_.end() || found->second.going != Going::kNot) return no_such_image(id);
  return found->second.image;
}

Result<ImagePage> MemoryMetadataStore::page(const CallContext& context, const ImageQuery& wanted, std::int64_t page,
                                            std::int64_t per_page) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const ImageQuery query = as_stored(wanted);
  if (page < 1 || per_page < 1) {
    return Error(ErrorCode::kInvalidArgument, "pages and their size count from 1").with_reason("bad_page");
  }
  const std::lock_guard lock(mutex_);
  ImagePage result;
  const std::int64_t lowest = lowest_searched(query);
  const bool counts_all = has_only_provider(query);
  for (auto it = images_.rbegin(); it != images_.rend() && it->first >= lowest; ++it) {
    if (!matches(it->second, query)) continue;
    if (!counts_all && result.total == kCountedImages) {
      result.total_capped = true;
      break;
    }
    if (result.total / per_page == page - 1) result.images.push_back(it->second.image);
    ++result.total;
  }
  if (result.total_capped && page - 1 > (kCountedImages - 1) / per_page) {
    return Error(ErrorCode::kInvalidArgument, "the page ends behind the images that are counted")
        .with_reason("page_too_deep");
  }
  result.total_capped = result.total_capped || lowest > 0;
  return result;
}

Result<std::vector<Image>> MemoryMetadataStore::walk(const CallContext& context, const ImageQuery& wanted,
                                                     ImageId before, std::size_t limit) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const ImageQuery query = as_stored(wanted);
  const std::lock_guard lock(mutex_);
  std::vector<Image> images;
  const std::int64_t lowest = lowest_searched(query);
  for (auto it = images_.rbegin(); it != images_.rend() && it->first >= lowest && images.size() < limit; ++it) {
    const bool reached = before.value() == 0 || it->first < before.value();
    if (reached && matches(it->second, query)) images.push_back(it->second.image);
  }
  return images;
}

Result<std::vector<ImageStore::JobImage>> MemoryMetadataStore::job_images(const CallContext& context, const JobId& id,
                                                                          ItemId after, std::size_t limit) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  IMGIMPORT_ASSIGN_OR_RETURN(const JobEntry* job, known(id));
  std::vector<JobImage> images;
  for (auto it = job->items.upper_bound(after.value()); it != job->items.end() && images.size() < limit; ++it) {
    if (!it->second.image) continue;
    const auto found = images_.find(it->second.image->value());
    if (found == images_.end() || found->second.going != Going::kNot) continue;
    images.push_back({ItemId(it->first), found->second.image});
  }
  return images;
}

Result<ImageStore::Deletion> MemoryMetadataStore::begin_delete(const CallContext& context, ImageId id) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  const auto found = images_.find(id.value());
  if (found == images_.end()) return no_such_image(id);
  ImageEntry& entry = found->second;
  if (entry.going == Going::kNot) {
    entry.going = Going::kAlone;  // so that it does not count as a user of its own key
    entry.going_since = clock_.now();
    if (!in_use(entry.image.place, entry.image.key)) entry.going = Going::kWithObject;
  }
  return Deletion{entry.image.place, entry.image.key, entry.going == Going::kWithObject};
}

Result<void> MemoryMetadataStore::finish_delete(const CallContext& context, ImageId id) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  const auto found = images_.find(id.value());
  if (found == images_.end() || found->second.going == Going::kNot) return {};
  const ImageEntry entry = found->second;
  images_.erase(found);
  if (entry.going == Going::kWithObject) remember_gone(entry.image.place, entry.image.key);
  return {};
}

Result<std::vector<ObjectKey>> MemoryMetadataStore::claim_garbage(const CallContext& context, const StorePlace& place,
                                                                  std::size_t limit) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  const Timestamp now = clock_.now();
  std::erase_if(garbage_, [&](const auto& entry) {
    return entry.second.state == GarbageState::kGone && entry.second.since <= now - kRememberGone;
  });
  std::vector<ImageEntry> stuck;
  std::erase_if(images_, [&](const auto& entry) {
    const ImageEntry& image = entry.second;
    const bool cut_short = image.going != Going::kNot && image.going_since <= now - kRemovalGrace;
    if (!cut_short || image.image.place != place) return false;
    if (image.going == Going::kWithObject) stuck.push_back(image);
    return true;
  });
  for (const ImageEntry& entry : stuck) discard(place, entry.image.key, Discard::kOrphaned);
  std::vector<ObjectKey> claimed;
  for (auto& [key, entry] : garbage_) {
    const bool due = (entry.state == GarbageState::kWaiting && entry.since <= now) ||
                     (entry.state == GarbageState::kBeingRemoved && entry.since <= now - kRemovalGrace);
    if (!due || key.first != place || claimed.size() >= limit || in_use(place, key.second)) continue;
    entry.state = GarbageState::kBeingRemoved;
    entry.again &= kAgainLater;
    entry.since = now;
    claimed.push_back(key.second);
  }
  return claimed;
}

Result<void> MemoryMetadataStore::forget_garbage(const CallContext& context, const StorePlace& place,
                                                 std::span<const ObjectKey> keys) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  for (const ObjectKey& key : keys) {
    const auto found = garbage_.find(GarbageKey(place, key));
    const bool marked = found != garbage_.end() && found->second.state == GarbageState::kBeingRemoved;
    if (marked) remember_gone(place, key);
  }
  return {};
}

Result<ImageStats> MemoryMetadataStore::stats(const CallContext& context) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  ImageStats stats;
  for (const auto& [id, entry] : images_) {
    if (entry.going != Going::kNot) continue;
    ImageStats::Provider& provider = stats.by_provider[entry.image.place.provider];
    ++provider.images;
    provider.bytes += static_cast<std::int64_t>(entry.image.size_bytes);
  }
  return stats;
}

Result<std::vector<ImageGroup>> MemoryMetadataStore::folders(const CallContext& context, const GroupQuery& query) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  const std::string prefix = query.parent.empty() ? "" : query.parent + "/";
  std::map<std::string, std::int64_t> counts;
  for (const auto& [id, entry] : images_) {
    const std::string& path = entry.image.folder_path;
    if (entry.going != Going::kNot || !path.starts_with(prefix) || path.size() == prefix.size()) continue;
    ++counts[path.substr(0, path.find('/', prefix.size()))];
  }
  return groups(counts, query);
}

Result<std::vector<ImageGroup>> MemoryMetadataStore::cameras(const CallContext& context, const GroupQuery& query) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::int64_t> counts;
  for (const auto& [id, entry] : images_) {
    if (entry.going == Going::kNot) ++counts[entry.image.facts.camera];
  }
  return groups(counts, query);
}

}  // namespace imgimport
