// What must be known or written down before a target can be connected to: which ODBC driver, and FreeTDS's settings.
#pragma once

#include "db/sql_target.hpp"
#include "imgimport/result.hpp"

namespace imgimport::db {

// Fills in the ODBC driver of a target that names none. For FreeTDS, writes a freetds.conf of this process, which makes
// it check the server's certificate (no connection string can) by SSL_CERT_FILE or the system's authorities, and points
// FREETDSCONF to it; the file is gone at the program's end. Call it before other threads start: it changes the
// environment. kMisconfigured (no_odbc_driver), kUnavailable (the file could not be written).
Result<SqlTarget> prepare_target(SqlTarget target);

// The section of freetds.conf for a target, which obeys its options encrypt and trustservercertificate
// (https://www.freetds.org/userguide/freetdsconf.html).
std::string freetds_conf(const SqlTarget& target, std::string_view ca_file);

}  // namespace imgimport::db
