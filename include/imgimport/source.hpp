// Where images come from: a tree of folders with files, of which Google Drive is the one implementation.
//
// Threading: every method may be called from any number of threads at once. All but parse_url block on the network;
// none retries by itself beyond one refresh of credentials: when to try again is the caller's decision, by Error.
// Errors common to all: kRateLimited (with retry_after if given), kUnavailable, kUnauthenticated, kMisconfigured (the
// project or key is set up wrongly: no other call can work either), kCancelled, kDeadlineExceeded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imgimport/blob.hpp"
#include "imgimport/call_context.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/ids.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// A folder to list. `resource_key` opens link-shared items of before 2021; `shared_drive` is the id of the shared drive
// that it lies in. Both empty when there is none.
struct FolderRef {
  DriveId id;
  std::string name;
  std::string resource_key;
  DriveId shared_drive;
};

// A file to look up or download.
struct FileRef {
  DriveId id;
  std::string resource_key;
};

// What the listing knows of a picture without a byte of it being downloaded; unknown fields are nullopt or empty.
struct ImageFacts {
  std::optional<std::int32_t> width;  // pixels, as displayed: already turned by the EXIF rotation
  std::optional<std::int32_t> height;
  std::string taken_at;  // "YYYY-MM-DDTHH:MM:SS", local time without an offset, as in EXIF
  std::string camera;    // make and model, the make not repeated
  std::optional<double> latitude;
  std::optional<double> longitude;
};

struct SourceFile {
  DriveId id;
  std::string name;  // UTF-8, as the owner wrote it: may hold slashes, "..", control characters
  std::string mime_type;
  std::optional<std::uint64_t> size;  // bytes; absent for Google documents
  ContentHashes hashes;
  std::string head_revision;
  std::string resource_key;
  std::optional<Timestamp> modified_at;
  bool can_download = true;
  bool trashed = false;
  ImageFacts image;
};

enum class EntryKind : std::uint8_t { kFile = 1, kFolder, kFileShortcut, kFolderShortcut };

// One line of a listing. For a shortcut, `file` is the shortcut itself (id, name) and `target` what it points at.
struct SourceEntry {
  EntryKind kind = EntryKind::kFile;
  SourceFile file;   // kFile: the file; kFileShortcut: the shortcut's own id and name
  FolderRef folder;  // kFolder, kFolderShortcut: the folder to walk into (of a shortcut: its target)
  FileRef target;    // kFileShortcut
};

struct SourcePage {
  std::vector<SourceEntry> entries;            // may be empty although more pages follow
  std::optional<std::string> next_page_token;  // nullopt: this was the last page
  bool incomplete = false;                     // the service itself says that it did not search everything
};

// What the calls cost of the service's quota, in its own units.
struct SourceCosts {
  std::int64_t list = 0;
  std::int64_t look_up = 0;
  std::int64_t download = 0;
};

class Source {
 public:
  virtual ~Source() = default;

  // Reads a link as people paste it, or a bare id. Pure: no network.
  // kInvalidArgument: not a link to a folder of this service; the message says what it is instead and the remedy what
  // to paste (reasons: bad_url, not_a_folder_url).
  virtual Result<FolderRef> parse_url(std::string_view url) const = 0;

  // Looks the folder up, so that "empty" can be told from "not there": a listing of an unknown folder succeeds, empty.
  // kNotFound: gone, or no access; the message names all causes, and the service account's address if there is one.
  // kInvalidArgument (not_a_folder): the id is a file's.
  virtual Result<FolderRef> root(const CallContext& context, const FolderRef& folder) = 0;

  // One page (up to 1,000 entries) of the direct children; trashed ones are left out. `page_token` empty = the first.
  // kConflict (page_token_rejected): the token has expired; list this folder again from its first page.
  virtual Result<SourcePage> list(const CallContext& context, const FolderRef& folder, std::string_view page_token) = 0;

  // The file's present state: a shortcut's target, or a file that changed since it was listed. kNotFound,
  // kPermissionDenied.
  virtual Result<SourceFile> look_up(const CallContext& context, const FileRef& file) = 0;

  // Starts a download at byte `offset`; returns when the answer's head has arrived. The reader fails with kUnavailable
  // when the connection breaks or stalls for 15 s; the caller may open again at the offset it has reached.
  // kNotFound, kPermissionDenied, kUnsupported (not downloadable), kQuotaExhausted (this file, for hours), kCorrupt
  // (transient: a page or an error document came in place of the bytes).
  virtual Result<std::unique_ptr<ByteReader>> open(const CallContext& context, const FileRef& file,
                                                   std::uint64_t offset) = 0;

  virtual SourceCosts costs() const = 0;
};

}  // namespace imgimport
