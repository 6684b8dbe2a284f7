#include "db/sql_target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/text.hpp"

namespace imgimport::db {
namespace {

constexpr std::string_view kPostgresDriver = "PostgreSQL Unicode";
constexpr std::string_view kMicrosoftDriver = "ODBC Driver ";  // and its number, " for SQL Server"
constexpr std::string_view kFreeTds = "FreeTDS";
constexpr std::array<std::string_view, 13> kLibpqOptions = {
    "sslmode",    "sslcert",    "sslkey",  "sslrootcert",          "sslcrl", "sslpassword",      "channel_binding",
    "gssencmode", "krbsrvname", "options", "target_session_attrs", "host",   "application_name",
};

struct Scheme {
  std::string_view name;
  SqlProduct product;
  SqlAccess access;
  std::uint16_t port;
};
constexpr std::array<Scheme, 5> kSchemes = {{
    {"postgresql+odbc://", SqlProduct::kPostgres, SqlAccess::kOdbc, 5432},
    {"postgresql://", SqlProduct::kPostgres, SqlAccess::kNative, 5432},
    {"postgres://", SqlProduct::kPostgres, SqlAccess::kNative, 5432},
    {"mssql+odbc://", SqlProduct::kSqlServer, SqlAccess::kOdbc, 1433},
    {"mssql://", SqlProduct::kSqlServer, SqlAccess::kOdbc, 1433},
}};

const Scheme* scheme_of(std::string_view url) noexcept {
  const auto* found = std::find_if(kSchemes.begin(), kSchemes.end(),
                                   [&](const Scheme& scheme) { return url.starts_with(scheme.name); });
  return found == kSchemes.end() ? nullptr : found;
}

// `what` follows the setting's name.
Error bad_url(std::string_view what) {
  return Error(ErrorCode::kMisconfigured, std::string(what))
      .with_reason("bad_database_url")
      .with_remedy(
          "write it as postgresql://user:password@host:5432/database or mssql://user:password@host:1433/database; "
          "characters such as @ : / in a password are percent-encoded");
}

std::optional<std::uint16_t> port_number(std::string_view text) {
  const auto port = whole_number<std::uint16_t>(text);
  return port && *port != 0 ? port : std::nullopt;
}

Result<std::string> decoded(std::string_view text) {
  auto plain = percent_decode(text);
  if (!plain) return bad_url("has a % that is not followed by two hex digits");
  // No client library takes one; it would cut the value short.
  if (plain->find('\0') != std::string::npos) return bad_url("holds a NUL");
  return *std::move(plain);
}

Result<void> read_authority(std::string_view text, SqlTarget& target) {
  const auto at = text.rfind('@');
  if (at != std::string_view::npos) {
    const auto login = text.substr(0, at);
    const auto colon = login.find(':');
    IMGIMPORT_ASSIGN_OR_RETURN(target.user, decoded(login.substr(0, colon)));
    if (colon != std::string_view::npos) {
      IMGIMPORT_ASSIGN_OR_RETURN(target.password, decoded(login.substr(colon + 1)));
    }
    text.remove_prefix(at + 1);
  }
  auto colon = text.rfind(':');
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return bad_url("has a host that begins with [ and lacks the ]");
    target.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    colon = text.empty() ? std::string_view::npos : 0;
    if (!text.empty() && text.front() != ':') return bad_url("has something behind the ] of its host");
  } else {
    IMGIMPORT_ASSIGN_OR_RETURN(target.host, decoded(text.substr(0, colon)));
  }
  if (colon == std::string_view::npos) return {};
  const auto port = port_number(text.substr(colon + 1));
  if (!port) return bad_url("has a port that is no number from 1 to 65535");
  target.port = *port;
  return {};
}

Result<void> read_option(std::string_view text, SqlTarget& target) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return bad_url("has a parameter without a value");
  // Microsoft's strings write TrustServerCertificate, and read it in any case; libpq's parameters are in lower case.
  const std::string name = to_lower_ascii(text.substr(0, equals));
  IMGIMPORT_ASSIGN_OR_RETURN(std::string value, decoded(text.substr(equals + 1)));
  if (target.access == SqlAccess::kOdbc && name == "driver") {
    target.driver = std::move(value);
    return {};
  }
  const bool native = target.access == SqlAccess::kNative;
  const bool known = target.product == SqlProduct::kPostgres
                         ? (native ? std::find(kLibpqOptions.begin(), kLibpqOptions.end(), name) != kLibpqOptions.end()
                                   : name == "sslmode")
                         : name == "encrypt" || name == "trustservercertificate";
  // The name alone: what stands behind it may be meant to be secret.
  if (!known) return bad_url(fmt::format("has a parameter that is not known here: {}", to_valid_utf8(name)));
  if (native && name == "host") {
    target.host = std::move(value);
    return {};
  }
  target.options.emplace_back(name, std::move(value));
  return {};
}

std::string quoted_for_libpq(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted += '\'';
}

// {…} with the closing brace doubled:
// https://learn.microsoft.com/en-us/sql/odbc/reference/syntax/sqldriverconnect-function
std::string braced(std::string_view value) {
  std::string text = "{";
  for (const char c : value) {
    if (c == '}') text += '}';
    text += c;
  }
  return text += '}';
}

// FreeTDS ends a value in braces at "};" and, before its version 1.4, knows no doubled brace.
std::string freetds_value(std::string_view value) {
  const bool plain =
      value.find('}') != std::string_view::npos && value.find(';') == std::string_view::npos && !value.starts_with('{');
  return plain ? std::string(value) : braced(value);
}

std::string psqlodbc_string(const SqlTarget& target) {
  const std::string& driver = target.driver;
  // psqlodbc takes the braces off a password, and for a part of any other value.
  return fmt::format("Driver={};Server={};Port={};Database={};Uid={};Pwd={};SSLmode={};",
                     braced(driver.empty() ? std::string(kPostgresDriver) : driver), target.host, target.port,
                     target.database, target.user, braced(target.password), target.option("sslmode", "prefer"));
}

}  // namespace

std::string SqlTarget::describe() const {
  return fmt::format("{}://{}:{}/{}", product == SqlProduct::kPostgres ? "postgresql" : "mssql", host, port, database);
}

std::string SqlTarget::option(std::string_view name, std::string_view otherwise) const {
  const auto found =
      std::find_if(options.begin(), options.end(), [&](const auto& option) { return option.first == name; });
  return found == options.end() ? std::string(otherwise) : found->second;
}

bool is_sql_url(std::string_view url) noexcept {
  return scheme_of(url) != nullptr;
}

namespace {

Result<SqlTarget> target_of_url(std::string_view url) {
  const Scheme* scheme = scheme_of(url);
  if (scheme == nullptr) return bad_url("begins with a scheme that is not known here");
  SqlTarget target;
  target.product = scheme->product;
  target.access = scheme->access;
  target.port = scheme->port;
  url.remove_prefix(scheme->name.size());
  std::string_view query;
  if (const auto mark = url.find('?'); mark != std::string_view::npos) {
    query = url.substr(mark + 1);
    url = url.substr(0, mark);
  }
  // The password may hold a slash that was not encoded, the database cannot: the last one counts.
  const auto slash = url.rfind('/');
  if (slash == std::string_view::npos) return bad_url("names no database");
  IMGIMPORT_RETURN_IF_ERROR(read_authority(url.substr(0, slash), target));
  IMGIMPORT_ASSIGN_OR_RETURN(target.database, decoded(url.substr(slash + 1)));
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    if (end > 0) IMGIMPORT_RETURN_IF_ERROR(read_option(query.substr(0, end), target));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  if (target.host.empty()) return bad_url("names no host");
  if (target.database.empty()) return bad_url("names no database");
  return target;
}

}  // namespace

Result<SqlTarget> parse_sql_url(std::string_view url, std::string_view setting) {
  auto target = target_of_url(url);
  if (target.has_value()) {
    target->url_setting = setting;
    return target;
  }
  const Error error = std::move(target).error();
  return Error(error.code(), fmt::format("{} {}", setting, error.message()))
      .with_reason(error.reason())
      .with_remedy(error.remedy());
}

Result<SqlTarget> sql_server_target(const SqlServerParts& parts) {
  SqlTarget target;
  target.product = SqlProduct::kSqlServer;
  target.access = SqlAccess::kOdbc;
  target.origin = SqlOrigin::kParts;
  target.database = parts.database;
  target.user = parts.user;
  target.password = parts.password;
  target.driver = parts.driver;
  target.port = 1433;
  std::string_view server = parts.server;
  if (server.starts_with("tcp:")) server.remove_prefix(4);
  const auto separator = server.find_last_of(":,");
  target.host = server.substr(0, separator);
  if (separator != std::string_view::npos) {
    const auto port = port_number(trim(server.substr(separator + 1)));
    if (!port) {
      return Error(ErrorCode::kMisconfigured, "DB_SERVER has a port that is no number from 1 to 65535")
          .with_remedy("set DB_SERVER to a host name, or to host,port");
    }
    target.port = *port;
  }
  return target;
}

std::string libpq_string(const SqlTarget& target) {
  std::string text = fmt::format("host={} port={} dbname={}", quoted_for_libpq(target.host), target.port,
                                 quoted_for_libpq(target.database));
  if (!target.user.empty()) text += " user=" + quoted_for_libpq(target.user);
  if (!target.password.empty()) text += " password=" + quoted_for_libpq(target.password);
  // A server that vanished without a word is noticed within half a minute.
  text += " connect_timeout=5 keepalives_idle=15 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=30000";
  text += " client_encoding='UTF8'";
  if (target.option("application_name", "").empty()) text += " application_name='imgimport'";
  for (const auto& [name, value] : target.options) text += " " + name + "=" + quoted_for_libpq(value);
  return text;
}

bool is_freetds(const SqlTarget& target) {
  return target.product == SqlProduct::kSqlServer && to_lower_ascii(target.driver).find("freetds") != std::string::npos;
}

std::string odbc_string(const SqlTarget& target) {
  if (target.product == SqlProduct::kPostgres) return psqlodbc_string(target);
  const std::string login =
      fmt::format("Database={};UID={};PWD={};", braced(target.database), braced(target.user), braced(target.password));
  if (is_freetds(target)) {
    return fmt::format("Driver={};Servername={};Database={};UID={};PWD={};", braced(target.driver), target.server_name,
                       freetds_value(target.database), freetds_value(target.user), freetds_value(target.password));
  }
  return fmt::format("Driver={};Server=tcp:{},{};{}Encrypt={};TrustServerCertificate={};APP=imgimport;",
                     braced(target.driver), target.host, target.port, login, target.option("encrypt", "yes"),
                     target.option("trustservercertificate", "no"));
}

std::vector<std::string> odbc_drivers(std::string_view ini) {
  std::vector<std::string> names;
  std::istringstream lines{std::string(ini)};
  for (std::string line; std::getline(lines, line);) {
    const auto text = trim(line);
    if (text.size() > 2 && text.front() == '[' && text.back() == ']')
      names.emplace_back(text.substr(1, text.size() - 2));
  }
  return names;
}

std::vector<std::string> registered_odbc_drivers() {
  const char* directory = std::getenv("ODBCSYSINI");
  const char* name = std::getenv("ODBCINSTINI");
  const std::string path = fmt::format("{}/{}", directory != nullptr && *directory != '\0' ? directory : "/etc",
                                       name != nullptr && *name != '\0' ? name : "odbcinst.ini");
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return odbc_drivers(text.str());
}

std::string choose_sql_server_driver(std::span<const std::string> registered) {
  std::string best;
  for (const std::string& name : registered) {
    const bool microsoft = name.starts_with(kMicrosoftDriver) && name.ends_with(" for SQL Server");
    if (microsoft && name > best) best = name;
  }
  if (!best.empty()) return best;
  const auto free_tds = std::find(registered.begin(), registered.end(), kFreeTds);
  return free_tds == registered.end() ? std::string() : *free_tds;
}

}  // namespace imgimport::db
