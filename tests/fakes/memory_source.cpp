#include "fakes/memory_source.hpp"

#include <algorithm>
#include <charconv>
#include <condition_variable>

#include "crypto/hash.hpp"

namespace imgimport {
namespace {

class DeliveryReader : public ByteReader {
 public:
  DeliveryReader(MemorySource::Delivery delivery, std::size_t piece) : delivery_(std::move(delivery)), piece_(piece) {}
  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    if (at_ == delivery_.bytes.size()) {
      if (delivery_.then) return *delivery_.then;
      return std::size_t{0};
    }
    const std::size_t count = std::min({out.size(), piece_, delivery_.bytes.size() - at_});
    std::copy_n(std::as_bytes(std::span(delivery_.bytes)).begin() + static_cast<std::ptrdiff_t>(at_), count,
                out.begin());
    at_ += count;
    return count;
  }

 private:
  MemorySource::Delivery delivery_;
  const std::size_t piece_;
  std::size_t at_ = 0;
};

}  // namespace

std::string fake_jpeg(int seed, std::size_t size) {
  std::string bytes("\xFF\xD8\xFF\xE0\x00\x10JFIF\x00", 11);
  auto state = static_cast<unsigned>(seed) * 2654435761U + 1U;
  while (bytes.size() < size) {
    state = state * 1664525U + 1013904223U;
    bytes += static_cast<char>(state >> 24);
  }
  return bytes;
}

SourceFile& MemorySource::add_file(const std::string& folder, const std::string& id, const std::string& name,
                                   std::string content) {
  const std::scoped_lock lock(mutex_);
  SourceFile& file = files_[id];
  file.id = DriveId(id);
  file.name = name;
  file.mime_type = "image/jpeg";
  file.size = content.size();
  file.hashes.sha256 = sha256_hex(content);
  contents_[id] = std::move(content);
  SourceEntry entry;
  entry.file.id = file.id;
  children_[folder].push_back(entry);
  return file;
}

void MemorySource::add_folder(const std::string& parent, const std::string& id, const std::string& name) {
  const std::scoped_lock lock(mutex_);
  folder_names_[id] = name;
  SourceEntry entry;
  entry.kind = EntryKind::kFolder;
  entry.folder.id = DriveId(id);
  entry.folder.name = name;
  children_[parent].push_back(entry);
}

void MemorySource::add_file_shortcut(const std::string& folder, const std::string& id, const std::string& target) {
  const std::scoped_lock lock(mutex_);
  SourceEntry entry;
  entry.kind = EntryKind::kFileShortcut;
  entry.file.id = DriveId(id);
  entry.file.name = "shortcut " + id;
  entry.target.id = DriveId(target);
  children_[folder].push_back(entry);
}

void MemorySource::add_folder_shortcut(const std::string& folder, const std::string& id, const std::string& target) {
  const std::scoped_lock lock(mutex_);
  SourceEntry entry;
  entry.kind = EntryKind::kFolderShortcut;
  entry.file.id = DriveId(id);
  entry.folder.id = DriveId(target);
  entry.folder.name = "shortcut " + id;
  children_[folder].push_back(entry);
}

void MemorySource::set_shared_drive(const std::string& folder, const std::string& drive) {
  const std::scoped_lock lock(mutex_);
  shared_drives_[folder] = drive;
}

void MemorySource::set_incomplete(const std::string& folder) {
  const std::scoped_lock lock(mutex_);
  incomplete_.insert(folder);
}

void MemorySource::set_content(const std::string& id, std::string content) {
  const std::scoped_lock lock(mutex_);
  contents_[id] = std::move(content);
}

void MemorySource::set_fault(Fault fault) {
  const std::scoped_lock lock(mutex_);
  fault_ = std::move(fault);
}

void MemorySource::set_delivery(Deliver deliver) {
  const std::scoped_lock lock(mutex_);
  deliver_ = std::move(deliver);
}

int MemorySource::opens(const std::string& id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = opens_.find(id);
  return found == opens_.end() ? 0 : found->second;
}

int MemorySource::total_opens() const {
  const std::scoped_lock lock(mutex_);
  int total = 0;
  for (const auto& [id, count] : opens_) total += count;
  return total;
}

std::optional<Error> MemorySource::fault(const std::string& what, const std::string& id) const {
  return fault_ ? fault_(what, id) : std::nullopt;
}

Result<FolderRef> MemorySource::parse_url(std::string_view url) const {
  if (!url.starts_with("mem:")) return Error(ErrorCode::kInvalidArgument, "not a link").with_reason("bad_url");
  FolderRef folder;
  folder.id = DriveId(std::string(url.substr(4)));
  return folder;
}

Result<FolderRef> MemorySource::root(const CallContext& context, const FolderRef& folder) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  if (hanging_roots_.fetch_sub(1) > 0) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_until(lock, context.stop, context.deadline, [] { return false; });
    IMGIMPORT_RETURN_IF_ERROR(context.check());
  }
  const std::scoped_lock lock(mutex_);
  if (auto error = fault("root", folder.id.value())) return *error;
  const auto found = folder_names_.find(folder.id.value());
  if (found == folder_names_.end()) return Error(ErrorCode::kNotFound, "no such folder");
  FolderRef known = folder;
  known.name = found->second;
  if (const auto drive = shared_drives_.find(found->first); drive != shared_drives_.end()) {
    known.shared_drive = DriveId(drive->second);
  }
  return known;
}

Result<SourcePage> MemorySource::list(const CallContext& context, const FolderRef& folder,
                                      std::string_view page_token) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  ++lists_;
  const std::scoped_lock lock(mutex_);
  if (auto error = fault("list", folder.id.value())) return *error;
  SourcePage page;
  page.incomplete = incomplete_.contains(folder.id.value());
  const auto drive = shared_drives_.find(folder.id.value());
  if (drive != shared_drives_.end() && folder.shared_drive.value() != drive->second) return page;
  std::size_t first = 0;
  std::from_chars(page_token.data(), page_token.data() + page_token.size(), first);
  const auto& children = children_[folder.id.value()];
  for (std::size_t i = first; i < children.size() && i < first + page_size_; ++i) {
    page.entries.push_back(children[i]);
    SourceEntry& entry = page.entries.back();
    if (entry.kind == EntryKind::kFile) entry.file = files_.at(entry.file.id.value());
  }
  if (first + page_size_ < children.size()) page.next_page_token = std::to_string(first + page_size_);
  return page;
}

Result<SourceFile> MemorySource::look_up(const CallContext& context, const FileRef& file) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::scoped_lock lock(mutex_);
  if (auto error = fault("look_up", file.id.value())) return *error;
  const auto found = files_.find(file.id.value());
  if (found == files_.end()) return Error(ErrorCode::kNotFound, "no such file");
  return found->second;
}

Result<std::unique_ptr<ByteReader>> MemorySource::open(const CallContext& context, const FileRef& file,
                                                       std::uint64_t offset) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const std::scoped_lock lock(mutex_);
  const std::string& id = file.id.value();
  const int count = ++opens_[id];
  if (auto error = fault("open", id)) return *error;
  const auto found = contents_.find(id);
  if (found == contents_.end()) return Error(ErrorCode::kNotFound, "no such file");
  std::optional<Delivery> delivery = deliver_ ? deliver_(id, offset, count) : std::nullopt;
  if (!delivery) {
    delivery.emplace();
    delivery->bytes = found->second.substr(std::min<std::size_t>(offset, found->second.size()));
  }
  return std::unique_ptr<ByteReader>(new DeliveryReader(*std::move(delivery), piece_size_));
}

}  // namespace imgimport
