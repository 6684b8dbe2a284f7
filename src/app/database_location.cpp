#include "app/database_location.hpp"

#include <string_view>

namespace imgimport {

Result<SqliteOptions> sqlite_options(const Config& config) {
  constexpr std::string_view kSqlite = "sqlite://";
  SqliteOptions options;
  const std::string& url = config.metadata.url;
  if (url.empty() && config.metadata.server.empty()) {
    options.path = config.data_dir / "imgimport.db";
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
