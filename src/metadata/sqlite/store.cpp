#include "metadata/sqlite/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "db/error.hpp"
#include "metadata/sqlite/schema.hpp"

namespace imgimport {
namespace {

// Of SQLite's file header (https://www.sqlite.org/fileformat.html#the_database_header).
constexpr std::size_t kHeaderSize = 100;
constexpr std::size_t kApplicationIdOffset = 68;
constexpr std::string_view kMagic("SQLite format 3\0", 16);

// A first look without SQLite, which would already touch the log of a foreign file.
Result<void> inspect_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return Error(ErrorCode::kMisconfigured, fmt::format("the database file {} is a directory", path))
        .with_reason("database_cannot_open")
        .with_remedy("move the directory away, or set another DATA_DIR; nothing was changed");
  }
  if (!std::filesystem::exists(path, error) || std::filesystem::file_size(path, error) == 0) return {};
  std::array<char, kHeaderSize> header{};
  std::ifstream file(path, std::ios::binary);
  if (!file.read(header.data(), header.size()) || std::string_view(header.data(), kMagic.size()) != kMagic) {
    return Error(ErrorCode::kMisconfigured, fmt::format("the file {} is damaged or is no database", path))
        .with_reason("database_corrupt")
        .with_remedy("move the file away or restore a backup; nothing was changed");
  }
  std::int32_t application = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    application = (application << 8) | static_cast<unsigned char>(header[kApplicationIdOffset + i]);
  }
  if (application != 0 && application != metadata_schema().application_id) {
    return Error(ErrorCode::kMisconfigured, fmt::format("the file {} is another application's database", path))
        .with_reason("foreign_database")
        .with_remedy("set DATA_DIR to a directory of its own; nothing was changed");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<SqliteMetadataStore>> SqliteMetadataStore::open(const SqliteOptions& options,
                                                                       const Clock& clock) {
  IMGIMPORT_RETURN_IF_ERROR(inspect_file(options.path));
  try {
    db::ConnectionOptions connection{.path = options.path,
                                     .access = db::Access::kWriter,
                                     .durability = options.durability,
                                     .cache_kib = options.writer_cache_kib,
                                     .busy_limit = options.busy_limit};
    Connections writer;
    writer.push_back(std::make_unique<db::Connection>(connection));
    IMGIMPORT_RETURN_IF_ERROR(db::migrate(*writer.front(), metadata_schema()));
    connection.access = db::Access::kReader;
    connection.cache_kib = options.reader_cache_kib;
    Connections readers;
    for (std::size_t i = 0; i < std::max<std::size_t>(options.readers, 1); ++i) {
      readers.push_back(std::make_unique<db::Connection>(connection));
    }
    return std::unique_ptr<SqliteMetadataStore>(
        new SqliteMetadataStore(options, clock, std::move(writer), std::move(readers)));
  } catch (...) {
    return db::current_error(options.path);
  }
}

Result<void> SqliteMetadataStore::ping(const CallContext& context) {
  return read(context, [](db::Connection& connection) -> Result<void> {
    connection.query("SELECT value FROM sequences").next();
    return {};
  });
}

}  // namespace imgimport
