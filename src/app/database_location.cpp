#include "app/database_location.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

namespace imgimport {

Result<SqliteOptions> sqlite_options(const Config& config) {
  constexpr std::string_view kSqlite = "sqlite://";
  SqliteOptions options;
  const std::string& url = config.metadata.url;
  if (url.empty() && config.metadata.server.empty()) {
    std::error_code failed;
    std::filesystem::create_directories(config.data_dir, failed);
    if (failed) {
      return Error(ErrorCode::kMisconfigured,
                   "the data directory " + config.data_dir.string() + " cannot be made (" + failed.message() + ")")
          .with_remedy("Set DATA_DIR to a directory that this user may write in");
    }
    options.path = (config.data_dir / "imgimport.db").string();
    return options;
  }
  if (url.starts_with(kSqlite)) {
    // sqlite:///relative is what SQLAlchemy made usual; four slashes are an absolute path.
    std::string_view path = std::string_view(url).substr(kSqlite.size());
    if (path.starts_with("/")) path.remove_prefix(1);
    if (!path.empty()) {
      options.path = path;
      return options;
    }
  }
  return Error(ErrorCode::kMisconfigured, "this version keeps its metadata in SQLite only")
      .with_remedy("Remove DATABASE_URL and DB_SERVER, or set DATABASE_URL=sqlite:///path/to/file.db");
}

}  // namespace imgimport
