#include "app/database_location.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

namespace imgimport {
namespace {

// The store's remedies speak of DATA_DIR, which is not where a DATABASE_URL leads.
Error naming_the_url(const Error& error) {
  if (error.remedy().find("DATA_DIR") == std::string::npos) return error;
  return Error(error.code(), error.message())
      .with_reason(error.reason())
      .with_remedy(
          "Set DATABASE_URL to sqlite:///path of a file of its own, in a folder that is there and that this user "
          "may write in");
}

}  // namespace

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
  return Error(ErrorCode::kMisconfigured, "DATABASE_URL names a database of a kind that is not known here")
      .with_remedy("Set it to sqlite:///path/to/file.db, postgresql://user:password@host/database or mssql://…");
}

bool names_database_server(const Config& config) noexcept {
  if (config.metadata.url.empty()) return !config.metadata.server.empty();
  return db::is_sql_url(config.metadata.url);
}

Result<SqlStoreOptions> sql_store_options(const Config& config, std::string_view url_setting) {
  const MetadataConfig& metadata = config.metadata;
  SqlStoreOptions options;
  if (!metadata.url.empty()) {
    IMGIMPORT_ASSIGN_OR_RETURN(options.target, db::parse_sql_url(metadata.url, url_setting));
  } else {
    IMGIMPORT_ASSIGN_OR_RETURN(options.target, db::sql_server_target({metadata.server, metadata.database, metadata.user,
                                                                      metadata.password, metadata.odbc_driver}));
  }
  if (options.target.driver.empty() && options.target.product == db::SqlProduct::kSqlServer) {
    options.target.driver = metadata.odbc_driver;
  }
  options.pool.keep = static_cast<std::size_t>(metadata.pool_size);
  options.pool.overflow = static_cast<std::size_t>(metadata.max_overflow);
  return options;
}

Result<void> check_database(const Config& config) {
  if (names_database_server(config)) {
    IMGIMPORT_RETURN_IF_ERROR(sql_store_options(config));
  } else if (!config.metadata.url.empty()) {
    IMGIMPORT_RETURN_IF_ERROR(sqlite_options(config));
  }
  return {};
}

Result<std::unique_ptr<MetadataStore>> open_metadata_store(const Config& config, const Clock& clock,
                                                           const OpenWait& wait) {
  if (names_database_server(config)) {
    IMGIMPORT_ASSIGN_OR_RETURN(SqlStoreOptions options, sql_store_options(config));
    options.open_stop = wait.stop;
    options.open_limit = wait.limit.value_or(options.open_limit);
    IMGIMPORT_ASSIGN_OR_RETURN(auto store, SqlMetadataStore::open(options, clock));
    return std::unique_ptr<MetadataStore>(std::move(store));
  }
  IMGIMPORT_ASSIGN_OR_RETURN(const SqliteOptions options, sqlite_options(config));
  auto store = SqliteMetadataStore::open(options, clock);
  if (!store.has_value()) return config.metadata.url.empty() ? store.error() : naming_the_url(store.error());
  return std::unique_ptr<MetadataStore>(*std::move(store));
}

}  // namespace imgimport
