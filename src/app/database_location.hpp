// Which database the settings mean.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

#include "config/config.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/metadata_store.hpp"
#include "imgimport/result.hpp"
#include "metadata/sql/store.hpp"
#include "metadata/sqlite/store.hpp"

namespace imgimport {

// DATABASE_URL=sqlite:///path, else imgimport.db in the data directory.
Result<SqliteOptions> sqlite_options(const Config& config);

// Whether the settings name a database server, by DATABASE_URL or by DB_SERVER and its neighbours.
bool names_database_server(const Config& config) noexcept;
// `url_setting`: where the URL stands, for errors. kMisconfigured: a URL that is none, or of a database that is not
// known here.
Result<SqlStoreOptions> sql_store_options(const Config& config, std::string_view url_setting = "DATABASE_URL");

// kMisconfigured: a DATABASE_URL that is none.
Result<void> check_database(const Config& config);

// How long opening a database server waits for one that does not answer.
struct OpenWait {
  std::stop_token stop;                            // calls it off
  std::optional<std::chrono::milliseconds> limit;  // nullopt: the store's own
};

// Opens whichever is meant. `clock` must outlive the store. Errors: of the store's open().
Result<std::unique_ptr<MetadataStore>> open_metadata_store(const Config& config, const Clock& clock,
                                                           const OpenWait& wait);

}  // namespace imgimport
