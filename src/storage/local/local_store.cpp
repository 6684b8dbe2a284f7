#include "storage/local/local_store.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <system_error>
#include <vector>

#include "base/object_key.hpp"
#include "crypto/hash.hpp"
#include "storage/byte_range.hpp"
#include "storage/content_check.hpp"

namespace imgimport {
namespace {

constexpr std::uint64_t kReservedBytes = 16 << 20;

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = 256 * 1024;
// Each try is lost only to a remove() that took an empty folder away at that very moment.
constexpr int kPlaceTries = 64;

Error not_found(const ObjectKey& key) {
  return Error(ErrorCode::kNotFound, "there is no object " + key.value()).with_reason("no_such_object");
}

// What a reader meets where no plain file lies at the end of plain folders.
bool means_absent(int error_number) noexcept {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP || error_number == ENXIO ||
         error_number == ENAMETOOLONG;
}

struct SplitPath {
  std::string_view folder;  // empty: the top
  std::string_view name;
};

SplitPath split(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

// Inode, size and nanosecond of the last write: a put always makes a new inode with a new time, and whoever changes the
// bytes in place changes the time.
ObjectInfo info_of(const struct stat& status) {
  ObjectInfo info;
  info.size_bytes = static_cast<std::uint64_t>(status.st_size);
  char etag[64];
  std::snprintf(etag, sizeof etag, "%llx-%llx-%llx", static_cast<unsigned long long>(status.st_ino),
                static_cast<unsigned long long>(status.st_size),
                static_cast<unsigned long long>(status.st_mtim.tv_sec) * 1'000'000'000ULL +
                    static_cast<unsigned long long>(status.st_mtim.tv_nsec));
  info.etag = etag;
  info.modified_at =
      Timestamp(std::chrono::milliseconds(status.st_mtim.tv_sec * 1000LL + status.st_mtim.tv_nsec / 1'000'000));
  return info;
}

std::span<std::byte> thread_buffer() {
  thread_local const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kBufferBytes);
  return {buffer.get(), kBufferBytes};
}

// Keeps its file open: the object may be replaced or removed meanwhile, and is still read whole.
class FileReader final : public ByteReader {
 public:
  FileReader(UniqueFd fd, ByteSpan bytes) : fd_(std::move(fd)), offset_(bytes.offset), left_(bytes.length) {}

  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
    IMGIMPORT_RETURN_IF_ERROR(context.check());
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left_));
    if (wanted == 0) return std::size_t{0};
    ssize_t count = 0;
    do {
      count = ::pread(fd_.get(), out.data(), wanted, static_cast<off_t>(offset_));
    } while (count < 0 && errno == EINTR);
    if (count < 0) return file_error(errno, "read an object");
    if (count == 0) return Error(ErrorCode::kCorrupt, "the object's file was cut while it was read");
    offset_ += static_cast<std::uint64_t>(count);
    left_ -= static_cast<std::uint64_t>(count);
    return static_cast<std::size_t>(count);
  }

 private:
  const UniqueFd fd_;
  std::uint64_t offset_;
  std::uint64_t left_;
};

Result<void> create_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return {};
  if (error == std::errc::not_a_directory || error == std::errc::file_exists || fs::exists(path, ignored)) {
    return Error(ErrorCode::kMisconfigured, "a file lies where the folder " + path.string() + " belongs")
        .with_reason("not_a_folder")
        .with_remedy("Move the file away, or set DATA_DIR to another folder.");
  }
  if (error == std::errc::no_such_file_or_directory) {
    return Error(ErrorCode::kMisconfigured, "the folder " + path.string() + " cannot be created there")
        .with_reason("no_such_place")
        .with_remedy("Set DATA_DIR to a folder on a disk.");
  }
  return file_error(error.value(), "create folder " + path.string());
}

Result<UniqueFd> open_folder(const fs::path& path) {
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return file_error(errno, "open folder " + path.string());
  if (::faccessat(folder.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    return file_error(errno, "write to folder " + path.string());
  }
  return folder;
}

// rename() works within one mount only, so that equal devices are not enough.
bool same_mount(int a, int b) {
  struct statx first {};
  struct statx second {};
  if (::statx(a, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &first) != 0) return true;
  if (::statx(b, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &second) != 0) return true;
  if (first.stx_dev_major != second.stx_dev_major || first.stx_dev_minor != second.stx_dev_minor) return false;
  const bool has_mounts = (first.stx_mask & second.stx_mask & STATX_MNT_ID) != 0;
  return !has_mounts || first.stx_mnt_id == second.stx_mnt_id;
}

}  // namespace

// A file in incoming/ that is removed unless it gets into its place.
class LocalStore::HalfWritten {
 public:
  HalfWritten(int folder, IncomingFolder::File file) : folder_(folder), file_(std::move(file)) {}
  HalfWritten(HalfWritten&& other) noexcept
      : folder_(std::exchange(other.folder_, -1)), file_(std::move(other.file_)) {}
  HalfWritten& operator=(HalfWritten&&) = delete;
  ~HalfWritten() {
    if (folder_ >= 0) ::unlinkat(folder_, file_.name.c_str(), 0);
  }
  int fd() const noexcept { return file_.fd.get(); }
  int close() noexcept { return file_.fd.close(); }
  // 0 or an errno.
  int move_to(int folder, const char* path) noexcept {
    if (::renameat(folder_, file_.name.c_str(), folder, path) != 0) return errno;
    folder_ = -1;
    return 0;
  }

 private:
  int folder_;
  IncomingFolder::File file_;
};

LocalStore::LocalStore(std::string prefix, UniqueFd objects, std::unique_ptr<IncomingFolder> incoming,
                       const Clock& clock)
    : place_{.provider = "local", .bucket = {}, .prefix = std::move(prefix)},
      objects_(std::move(objects)),
      incoming_(std::move(incoming)),
      sync_([this]() -> Result<void> {
        if (::syncfs(objects_.get()) != 0) return file_error(errno, "write the objects to the disk");
        return {};
      }),
      clock_(clock) {}

Result<std::unique_ptr<LocalStore>> LocalStore::open(const fs::path& data_dir, const Clock& clock, std::string prefix) {
  const fs::path objects_path = data_dir / "objects";
  const fs::path incoming_path = data_dir / "incoming";
  IMGIMPORT_RETURN_IF_ERROR(create_folder(objects_path));
  IMGIMPORT_RETURN_IF_ERROR(create_folder(incoming_path));
  IMGIMPORT_ASSIGN_OR_RETURN(UniqueFd objects, open_folder(objects_path));
  IMGIMPORT_ASSIGN_OR_RETURN(const UniqueFd incoming_parent, open_folder(incoming_path));
  if (!same_mount(objects.get(), incoming_parent.get())) {
    return Error(ErrorCode::kMisconfigured,
                 objects_path.string() + " and " + incoming_path.string() + " lie on different file systems")
        .with_reason("two_file_systems")
        .with_remedy("Mount or link the whole of DATA_DIR to one disk, not its objects folder alone.");
  }
  IMGIMPORT_ASSIGN_OR_RETURN(auto incoming, IncomingFolder::open(incoming_path));
  return std::unique_ptr<LocalStore>(new LocalStore(std::move(prefix), std::move(objects), std::move(incoming), clock));
}

Result<ObjectInfo> LocalStore::put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                   const PutOptions& options) try {
  IMGIMPORT_RETURN_IF_ERROR(check_object_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const auto failed = [&](int error_number) { return file_error(error_number, "store object " + key.value()); };
  if (!has_room(blob.size().value_or(0))) return failed(ENOSPC);
  ContentCheck check(options.expected, blob.size());
  const auto memory = blob.in_memory();
  // Wrong bytes in memory never touch the disk.
  ContentCheck::Content content;
  if (memory) {
    IMGIMPORT_RETURN_IF_ERROR(check.update(*memory));
    IMGIMPORT_ASSIGN_OR_RETURN(content, check.finish());
  }
  IMGIMPORT_ASSIGN_OR_RETURN(HalfWritten file, create_half_written());
  if (memory) {
    if (const int error = write_all(file.fd(), *memory); error != 0) return failed(error);
  } else {
    IMGIMPORT_RETURN_IF_ERROR(copy_stream(context, blob, check, file));
    IMGIMPORT_ASSIGN_OR_RETURN(content, check.finish());
  }
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return failed(errno);
  if (const int error = file.close(); error != 0) return failed(error);
  IMGIMPORT_RETURN_IF_ERROR(move_into_place(file, key.value()));
  ObjectInfo info = info_of(status);
  info.hashes = std::move(content.hashes);
  return info;
} catch (const std::exception& exception) {
  return Error(ErrorCode::kInternal, "store object " + key.value() + ": " + exception.what());
}

// The last of a disk is left to the database, which must still be able to say that the disk is full.
bool LocalStore::has_room(std::uint64_t bytes) const {
  struct statvfs disk {};
  if (::fstatvfs(objects_.get(), &disk) != 0) return true;
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize >= bytes + kReservedBytes;
}

Result<LocalStore::HalfWritten> LocalStore::create_half_written() {
  auto file = incoming_->create_file();
  if (file.fd) return HalfWritten(incoming_->fd(), std::move(file));
  if (errno == ENOENT) {
    return Error(ErrorCode::kMisconfigured, "the folder for half-written objects was removed while imgimport runs")
        .with_remedy("Start imgimport again, and leave DATA_DIR/incoming alone.");
  }
  return file_error(errno, "create a file below DATA_DIR/incoming");
}

Result<void> LocalStore::copy_stream(const CallContext& context, const Blob& blob, ContentCheck& check,
                                     const HalfWritten& file) {
  IMGIMPORT_ASSIGN_OR_RETURN(const auto reader, blob.open(context));
  const std::span<std::byte> buffer = thread_buffer();
  for (bool at_end = false; !at_end;) {
    // Network readers give a few KiB at a time: the buffer is filled before it is hashed and written.
    std::size_t filled = 0;
    while (filled < buffer.size() && !at_end) {
      IMGIMPORT_RETURN_IF_ERROR(context.check());
      IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader->read(context, buffer.subspan(filled)));
      filled += count;
      at_end = count == 0;
    }
    const auto bytes = buffer.first(filled);
    IMGIMPORT_RETURN_IF_ERROR(check.update(bytes));
    if (const int error = write_all(file.fd(), bytes); error != 0) return file_error(error, "write an object");
  }
  return {};
}

Result<void> LocalStore::move_into_place(HalfWritten& file, const std::string& key) {
  if (move_into_new_folders(file, key)) return {};
  const auto [folder_path, name] = split(key);
  int error = 0;
  for (int i = 0; i < kPlaceTries; ++i) {
    const UniqueFd folder = folder_path.empty() ? UniqueFd() : open_or_create_folder(folder_path);
    if (!folder_path.empty() && !folder) {
      error = errno;
    } else {
      error = file.move_to(folder ? folder.get() : objects_.get(), std::string(name).c_str());
      if (error == 0) return {};
    }
    if (error != ENOENT) break;
  }
  return file_error(error, "store object " + key);
}

// The common case in as few calls as can be: a fresh key, whose last two folders do not exist. Folders that we have
// made ourselves need no look for symbolic links. false: not done, go the careful way.
bool LocalStore::move_into_new_folders(HalfWritten& file, const std::string& key) {
  const std::string_view version_path = split(key).folder;
  const std::string_view id_path = split(version_path).folder;
  if (id_path.empty()) return false;
  const std::string_view base_path = split(id_path).folder;
  UniqueFd opened;
  int base = objects_.get();
  std::size_t base_length = 0;
  if (!base_path.empty()) {
    opened = open_beneath(objects_.get(), base_path, O_PATH | O_DIRECTORY);
    if (!opened) return false;
    base = opened.get();
    base_length = base_path.size() + 1;
  }
  const std::string id(id_path.substr(base_length));
  const std::string version(version_path.substr(base_length));
  if (::mkdirat(base, id.c_str(), 0755) != 0 || ::mkdirat(base, version.c_str(), 0755) != 0) return false;
  return file.move_to(base, key.c_str() + base_length) == 0;
}

// No descriptor: errno says why; ENOENT: a folder was removed under our hands.
UniqueFd LocalStore::open_or_create_folder(std::string_view path) {
  UniqueFd folder = open_beneath(objects_.get(), path, O_PATH | O_DIRECTORY);
  if (folder || errno != ENOENT) return folder;
  const auto [parent_path, name] = split(path);
  UniqueFd parent;
  if (!parent_path.empty()) {
    parent = open_or_create_folder(parent_path);
    if (!parent) return parent;
  }
  const int parent_fd = parent ? parent.get() : objects_.get();
  if (::mkdirat(parent_fd, std::string(name).c_str(), 0755) != 0 && errno != EEXIST) return UniqueFd();
  return open_beneath(parent_fd, name, O_PATH | O_DIRECTORY);
}

Result<void> LocalStore::flush(const CallContext& context) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  return sync_.sync(context);
}

Result<ObjectInfo> LocalStore::head(const CallContext& context, const ObjectKey& key) {
  IMGIMPORT_ASSIGN_OR_RETURN(ObjectContent content, get(context, key, std::nullopt));
  return std::move(content.info);
}

Result<ObjectInfo> LocalStore::inspect(const CallContext& context, const ObjectKey& key) {
  IMGIMPORT_ASSIGN_OR_RETURN(ObjectContent content, get(context, key, std::nullopt));
  Hasher sha256(HashAlgorithm::kSha256);
  Hasher md5(HashAlgorithm::kMd5);
  const std::span<std::byte> buffer = thread_buffer();
  for (;;) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, content.reader->read(context, buffer));
    if (count == 0) break;
    sha256.update(buffer.first(count));
    md5.update(buffer.first(count));
  }
  content.info.hashes.sha256 = sha256.finish();
  content.info.hashes.md5 = md5.finish();
  return std::move(content.info);
}

Result<ObjectContent> LocalStore::get(const CallContext& context, const ObjectKey& key,
                                      const std::optional<ByteRange>& range) {
  IMGIMPORT_RETURN_IF_ERROR(check_object_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  // O_NONBLOCK: a pipe somebody left there must not hold the thread.
  UniqueFd fd = open_beneath(objects_.get(), key.value(), O_RDONLY | O_NONBLOCK);
  if (!fd) {
    if (means_absent(errno)) return not_found(key);
    return file_error(errno, "open object " + key.value());
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return file_error(errno, "look up object " + key.value());
  if (!S_ISREG(status.st_mode)) return not_found(key);
  ObjectContent content;
  content.info = info_of(status);
  IMGIMPORT_ASSIGN_OR_RETURN(const ByteSpan bytes, resolve_range(content.info.size_bytes, range));
  content.offset = bytes.offset;
  content.length = bytes.length;
  content.reader = std::make_unique<FileReader>(std::move(fd), bytes);
  return content;
}

Result<void> LocalStore::remove(const CallContext& context, const ObjectKey& key) {
  IMGIMPORT_RETURN_IF_ERROR(check_object_key(key));
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const auto [folder_path, name] = split(key.value());
  const UniqueFd folder =
      folder_path.empty() ? UniqueFd() : open_beneath(objects_.get(), folder_path, O_PATH | O_DIRECTORY);
  if (folder || folder_path.empty()) {
    const int at = folder ? folder.get() : objects_.get();
    // EISDIR: a folder of other objects' keys, so that there is no object of this one.
    if (::unlinkat(at, std::string(name).c_str(), 0) != 0 && errno != ENOENT && errno != EISDIR) {
      return file_error(errno, "remove object " + key.value());
    }
  } else if (!means_absent(errno)) {
    return file_error(errno, "remove object " + key.value());
  }
  // Also where the object was gone: an earlier remove may have been cut short before the folders.
  remove_empty_folders(folder_path);
  return {};
}

Result<std::vector<UploadTicket>> LocalStore::tickets(const CallContext& context, std::span<const PlannedPut> plans) {
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  std::vector<UploadTicket> issued;
  issued.reserve(plans.size());
  const Timestamp now = clock_.now();
  for (const PlannedPut& plan : plans) {
    IMGIMPORT_RETURN_IF_ERROR(check_object_key(plan.key));
    issued.push_back(tickets_.issue(plan, now));
  }
  return issued;
}

Result<std::string> LocalStore::link(const CallContext&, const ObjectKey&, const LinkOptions&) {
  return Error(ErrorCode::kUnsupported, "a local disk has no URL of its own");
}

// Upwards until a folder is not empty. Whatever else hinders it leaves an empty folder, which harms nothing.
void LocalStore::remove_empty_folders(std::string_view path) {
  while (!path.empty()) {
    const auto [parent_path, name] = split(path);
    UniqueFd parent;
    if (!parent_path.empty()) parent = open_beneath(objects_.get(), parent_path, O_PATH | O_DIRECTORY);
    if (parent || parent_path.empty()) {
      const int at = parent ? parent.get() : objects_.get();
      if (::unlinkat(at, std::string(name).c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) return;
    } else if (errno != ENOENT) {
      return;
    }
    path = parent_path;
  }
}

}  // namespace imgimport
