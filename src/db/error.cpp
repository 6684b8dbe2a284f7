#include "db/error.hpp"

#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <exception>

namespace imgimport::db {
namespace {

Error misconfigured(std::string_view what, std::string_view detail, const std::string& path, std::string_view reason) {
  return Error(ErrorCode::kMisconfigured, fmt::format("the database file {} {} ({})", path, what, detail))
      .with_reason(std::string(reason));
}

Error out_of_space(std::string_view detail, const std::string& path) {
  return Error(ErrorCode::kOutOfSpace, fmt::format("no space left to write the database file {} ({})", path, detail))
      .with_reason("disk_full")
      .with_remedy(
          "free space on the file system that holds it, or move DATA_DIR to a larger one; nothing was changed");
}

}  // namespace

Error sqlite_error(int code, std::string_view detail, const std::string& path) {
  // SQLite reports a full disk as an I/O error where it grows its shared-memory file.
  if (code == SQLITE_IOERR_SHMSIZE) return out_of_space(detail, path);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return Error(ErrorCode::kUnavailable, fmt::format("the database file {} is busy ({})", path, detail))
          .with_reason("database_busy")
          .with_remedy("another process is writing to it; try again in a moment");
    case SQLITE_FULL:
      return out_of_space(detail, path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return misconfigured("is damaged or is no database", detail, path, "database_corrupt")
          .with_remedy("move the file away or restore a backup; nothing was changed");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return misconfigured("cannot be written", detail, path, "database_read_only")
          .with_remedy("let this user write the file and the directory that holds it, or set another DATA_DIR");
    case SQLITE_CANTOPEN:
      return misconfigured("cannot be opened", detail, path, "database_cannot_open")
          .with_remedy("check that the directory exists and that this user may write in it, or set another DATA_DIR");
    case SQLITE_IOERR:
      return Error(ErrorCode::kUnavailable,
                   fmt::format("the disk under the database file {} failed ({})", path, detail))
          .with_reason("database_disk_error")
          .with_remedy("check the disk and the file system that hold it");
    case SQLITE_INTERRUPT:
      return Error(ErrorCode::kCancelled, "the database query was interrupted");
    default:
      return Error(ErrorCode::kInternal, fmt::format("the database file {} gave error {} ({})", path, code, detail));
  }
}

Error current_error(const std::string& path) {
  try {
    throw;
  } catch (const SQLite::Exception& e) {
    // SQLiteCpp uses -1 for misuse that it notices itself.
    if (e.getErrorCode() < 0) return Error(ErrorCode::kInternal, e.what());
    return sqlite_error(e.getExtendedErrorCode() > 0 ? e.getExtendedErrorCode() : e.getErrorCode(), e.what(), path);
  } catch (const std::exception& e) {
    return Error(ErrorCode::kInternal, fmt::format("the database file {}: {}", path, e.what()));
  }
}

}  // namespace imgimport::db
