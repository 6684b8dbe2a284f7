#include "db/sql_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "base/text.hpp"

namespace imgimport::db {
namespace {

enum class Class : std::uint8_t {
  kTransient = 1,
  kLost,
  kRace,
  kOutOfSpace,
  kLogin,
  kDatabase,
  kHost,
  kCertificate,
  kPermission,
  kExists,
  kFirewall,
  kDriver,
  kExtension,
  kOther,
};

template <class T>
struct Row {
  T code;
  Class meaning;
};

// A code of two characters stands for its whole class.
constexpr std::array<Row<std::string_view>, 26> kStates = {{
    {"40001", Class::kTransient}, {"40P01", Class::kTransient},  {"55P03", Class::kTransient},
    {"53300", Class::kTransient}, {"53400", Class::kTransient},  {"53200", Class::kTransient},
    {"57P03", Class::kTransient}, {"25006", Class::kTransient},  {"HYT00", Class::kTransient},
    {"HYT01", Class::kTransient}, {"57P01", Class::kLost},       {"57P02", Class::kLost},
    {"57P05", Class::kLost},      {"25P03", Class::kLost},       {"08", Class::kLost},
    {"23505", Class::kRace},      {"53100", Class::kOutOfSpace}, {"28", Class::kLogin},
    {"3D000", Class::kDatabase},  {"42501", Class::kPermission}, {"42P07", Class::kExists},
    {"42710", Class::kExists},    {"42P06", Class::kExists},     {"IM002", Class::kDriver},
    {"IM003", Class::kDriver},    {"58030", Class::kTransient},
}};

// Azure SQL asks that the first lines be tried again:
// https://learn.microsoft.com/en-us/azure/azure-sql/database/troubleshoot-common-errors-issues#transient-fault-error-messages
constexpr std::array<Row<std::int32_t>, 36> kNumbers = {{
    {40197, Class::kLost},       {40501, Class::kTransient}, {40613, Class::kLost},      {49918, Class::kTransient},
    {49919, Class::kTransient},  {49920, Class::kTransient}, {10928, Class::kTransient}, {10929, Class::kTransient},
    {10053, Class::kLost},       {10054, Class::kLost},      {10060, Class::kLost},      {4221, Class::kTransient},
    {40143, Class::kLost},       {40540, Class::kLost},      {233, Class::kLost},        {64, Class::kLost},
    {1205, Class::kTransient},   {1222, Class::kTransient},  {3960, Class::kTransient},  {3906, Class::kTransient},
    {2627, Class::kRace},        {2601, Class::kRace},       {1105, Class::kOutOfSpace}, {9002, Class::kOutOfSpace},
    {40544, Class::kOutOfSpace}, {40549, Class::kTransient}, {18456, Class::kLogin},     {18452, Class::kLogin},
    {4060, Class::kDatabase},    {911, Class::kDatabase},    {40615, Class::kFirewall},  {229, Class::kPermission},
    {262, Class::kPermission},   {2760, Class::kPermission}, {2714, Class::kExists},     {1913, Class::kExists},
}};

// Of connections that could not be made: the libraries tell these in words alone.
constexpr std::array<Row<std::string_view>, 22> kWords = {{
    {"password authentication failed", Class::kLogin},
    {"no password supplied", Class::kLogin},
    {"login failed", Class::kLogin},
    {"login incorrect", Class::kLogin},
    {"peer authentication failed", Class::kLogin},
    {"no pg_hba.conf entry", Class::kFirewall},
    {"role \"", Class::kLogin},
    {"database \"", Class::kDatabase},
    {"could not translate host name", Class::kHost},
    {"name or service not known", Class::kHost},
    {"unknown host", Class::kHost},
    {"server name not found", Class::kHost},
    {"certificate", Class::kCertificate},
    {"does not support ssl", Class::kCertificate},
    {"data source name not found", Class::kDriver},
    {"can't open lib", Class::kDriver},
    {"too many clients", Class::kTransient},
    {"too many connections", Class::kTransient},
    {"starting up", Class::kTransient},
    {"shutting down", Class::kTransient},
    {"in recovery mode", Class::kTransient},
    {"remaining connection slots", Class::kTransient},
}};

Class by_state(std::string_view state) {
  for (const auto& row : kStates) {
    if (state.size() == 5 && state.starts_with(row.code)) return row.meaning;
  }
  return Class::kOther;
}

Class by_number(std::int32_t number) {
  const auto* row = std::find_if(kNumbers.begin(), kNumbers.end(), [&](const auto& r) { return r.code == number; });
  return row == kNumbers.end() ? Class::kOther : row->meaning;
}

Class by_words(std::string_view text) {
  const std::string lower = to_lower_ascii(text);
  for (const auto& row : kWords) {
    if (lower.find(row.code) != std::string::npos) return row.meaning;
  }
  return Class::kOther;
}

Class classify(const SqlTarget& target, const SqlFault& fault) {
  if (target.product == SqlProduct::kSqlServer) {
    if (const Class meaning = by_number(fault.native); meaning != Class::kOther) return meaning;
  }
  if (fault.connecting) {
    // The state says 08001 for nearly everything then.
    if (const Class meaning = by_words(fault.text); meaning != Class::kOther) return meaning;
    const Class meaning = by_state(fault.sqlstate);
    return meaning == Class::kOther ? Class::kLost : meaning;
  }
  if (const Class meaning = by_state(fault.sqlstate); meaning != Class::kOther) return meaning;
  if (fault.connection_lost) return Class::kLost;
  // Its state stands for other things as well.
  return fault.text.find("extension \"") == std::string::npos ? Class::kOther : Class::kExtension;
}

// One line, without the password even if a driver should repeat it.
std::string words_of(const SqlTarget& target, const SqlFault& fault) {
  std::string text = to_valid_utf8(fault.text);
  if (target.password.size() >= 3) {
    for (auto at = text.find(target.password); at != std::string::npos; at = text.find(target.password, at + 3)) {
      text.replace(at, target.password.size(), "***");
    }
  }
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  constexpr std::size_t kLongest = 400;
  if (text.size() > kLongest) text = to_valid_utf8(std::string_view(text).substr(0, kLongest)) + "…";
  return std::string(trim(text));
}

std::string setting(const SqlTarget& target, std::string_view part) {
  return target.origin == SqlOrigin::kUrl ? target.url_setting : std::string(part);
}

// What stands behind "the database …".
struct Saying {
  std::string_view reason;
  std::string_view words;
};
constexpr std::array<Saying, 12> kSayings = {{
    {"database_unavailable", "is not available"},
    {"unique_violation", "holds that row already"},
    {"database_full", "is full"},
    {"database_login_refused", "refuses the login"},
    {"no_such_database", "does not exist, or the user may not open it"},
    {"unknown_database_host", "has a host name that nobody knows"},
    {"database_tls", "could not be reached by TLS"},
    {"database_permission", "forbids what is needed"},
    {"database_extension", "lacks something of a usual server"},
    {"foreign_database", "holds tables of another application"},
    {"database_firewall", "does not let this machine in"},
    {"no_odbc_driver", "needs an ODBC driver that is not installed"},
}};

std::string_view saying(std::string_view reason) {
  const auto* found = std::find_if(kSayings.begin(), kSayings.end(), [&](const auto& s) { return s.reason == reason; });
  return found == kSayings.end() ? std::string_view() : found->words;
}

Error error_of(Class meaning, const SqlTarget& target, const SqlFault& fault) {
  const std::string words = words_of(target, fault);
  const auto said = [&](ErrorCode code, std::string_view reason) {
    return Error(code, fmt::format("the database {} {} ({})", target.describe(), saying(reason), words))
        .with_reason(std::string(reason));
  };
  const auto misconfigured = [&](std::string_view reason) { return said(ErrorCode::kMisconfigured, reason); };
  switch (meaning) {
    case Class::kTransient:
    case Class::kLost:
      return said(ErrorCode::kUnavailable, "database_unavailable")
          .with_remedy("check that the server is up and can be reached");
    case Class::kRace:
      return said(ErrorCode::kConflict, "unique_violation");
    case Class::kOutOfSpace:
      return said(ErrorCode::kOutOfSpace, "database_full")
          .with_remedy("give the database server more space; nothing was changed");
    case Class::kLogin:
      return misconfigured("database_login_refused")
          .with_remedy(fmt::format("correct user and password in {}", setting(target, "DB_USER and DB_PASSWORD")));
    case Class::kDatabase:
      return misconfigured("no_such_database")
          .with_remedy(fmt::format("create the database, or correct its name in {}", setting(target, "DB_NAME")));
    case Class::kHost:
      return misconfigured("unknown_database_host")
          .with_remedy(fmt::format("correct the host in {}", setting(target, "DB_SERVER")));
    case Class::kCertificate:
      return misconfigured("database_tls")
          .with_remedy(fmt::format("install the CA of the server's certificate, and use the name it was made for in {}",
                                   setting(target, "DB_SERVER")));
    case Class::kPermission:
      return misconfigured("database_permission")
          .with_remedy(
              "let the database user create, read and write tables in its default schema (and on PostgreSQL, have an"
              " administrator run CREATE EXTENSION pg_trgm in it if the user may not)");
    case Class::kExtension:
      return misconfigured("database_extension")
          .with_remedy(
              "use PostgreSQL 13 or later, with its contributed modules (postgresql-contrib) where they are a package"
              " of their own");
    case Class::kExists:
      return misconfigured("foreign_database")
          .with_remedy(fmt::format("name a database of its own in {}", setting(target, "DB_NAME")));
    case Class::kFirewall:
      return misconfigured("database_firewall")
          .with_remedy("allow this machine's address in the server's firewall or pg_hba.conf");
    case Class::kDriver:
      return misconfigured("no_odbc_driver")
          .with_remedy(fmt::format("install it, or name one of odbcinst.ini in {}", setting(target, "DB_DRIVER")));
    case Class::kOther:
      break;
  }
  return Error(ErrorCode::kInternal, fmt::format("the database {} gave error {} {} ({})", target.describe(),
                                                 fault.sqlstate, fault.native, words));
}

}  // namespace

SqlVerdict judge(const SqlTarget& target, const SqlFault& fault) {
  const Class meaning = classify(target, fault);
  SqlVerdict verdict{error_of(meaning, target, fault)};
  verdict.reconnect = fault.connection_lost || meaning == Class::kLost;
  if (meaning == Class::kTransient || meaning == Class::kLost) verdict.retry = SqlRetry::kLater;
  if (meaning == Class::kRace) verdict.retry = SqlRetry::kAtOnce;
  verdict.away = fault.connecting && verdict.retry == SqlRetry::kLater;
  return verdict;
}

std::optional<Error> for_callers(const Error& error) {
  const std::string_view words = saying(error.reason());
  if (words.empty()) return std::nullopt;
  Error told = Error(error.code(), fmt::format("the metadata database {}", words)).with_reason(error.reason());
  if (error.code() != ErrorCode::kUnavailable) return std::move(told).with_remedy(error.remedy());
  return std::move(told)
      .with_remedy("It is tried again; see /health")
      .with_retry_after(std::chrono::milliseconds(1'000));
}

}  // namespace imgimport::db
