#include "db/sql_driver.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

#include "base/text.hpp"

namespace imgimport::db {
namespace {

// Debian's bundle.
constexpr const char* kCaBundle = "/etc/ssl/certs/ca-certificates.crt";

// As for every other server; else Debian's bundle; else what FreeTDS makes of "system": OpenSSL's own directory.
std::string ca_file() {
  if (const char* given = std::getenv("SSL_CERT_FILE"); given != nullptr && *given != '\0') return given;
  std::error_code failed;
  return std::filesystem::exists(kCaBundle, failed) ? kCaBundle : "system";
}

// One file with a section per server, rewritten as servers come.
class FreetdsFile {
 public:
  ~FreetdsFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Result<std::string> add(const SqlTarget& target) {
    const std::lock_guard lock(mutex_);
    const std::string section = freetds_conf(target, ca_file());
    if (const auto known = names_.find(section); known != names_.end()) return known->second;
    const std::string name = fmt::format("imgimport{}", names_.size() + 1);
    if (path_.empty()) IMGIMPORT_RETURN_IF_ERROR(create());
    const std::string text = fmt::format("[{}]\n{}", name, section);
    const int file = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    const bool written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (file >= 0) ::close(file);
    if (!written) return failure();
    names_.emplace(section, name);
    return name;
  }

 private:
  static Error failure() {
    return Error(ErrorCode::kUnavailable, "FreeTDS's settings could not be written into the temporary directory")
        .with_remedy("free space there, or set TMPDIR to a directory that this user may write in");
  }

  Result<void> create() {
    std::error_code failed;
    std::string path = (std::filesystem::temp_directory_path(failed) / "imgimport-freetds-XXXXXX").string();
    const int file = ::mkstemp(path.data());
    if (file < 0) return failure();
    ::close(file);
    path_ = path;
    if (::setenv("FREETDSCONF", path_.c_str(), 1) != 0) return failure();
    return {};
  }

  std::mutex mutex_;
  std::string path_;
  std::map<std::string, std::string> names_;  // sections without their heads → heads
};

}  // namespace

std::string freetds_conf(const SqlTarget& target, std::string_view ca_file) {
  // Microsoft's words: https://learn.microsoft.com/en-us/sql/connect/odbc/dsn-connection-string-attribute#encrypt
  const std::string encrypt = to_lower_ascii(target.option("encrypt", "yes"));
  const bool is_optional = encrypt == "no" || encrypt == "optional" || encrypt == "false";
  const std::string trust = to_lower_ascii(target.option("trustservercertificate", "no"));
  const bool is_trusted = is_optional || trust == "yes" || trust == "true";
  const std::string checks = fmt::format("  ca file = {}\n  check certificate hostname = yes\n", ca_file);
  return fmt::format(
      "  host = {}\n  port = {}\n  tds version = 7.4\n  client charset = UTF-8\n  encryption = {}\n{}"
      "  connect timeout = 5\n  text size = 2147483647\n",
      target.host, target.port, is_optional ? "request" : "require", is_trusted ? "" : checks);
}

Result<SqlTarget> prepare_target(SqlTarget target) {
  if (target.product != SqlProduct::kSqlServer) return target;
  if (target.host.find_first_of("\r\n") != std::string::npos) {
    return Error(ErrorCode::kMisconfigured, "the database server's name holds a line break");
  }
  if (target.driver.empty()) target.driver = choose_sql_server_driver(registered_odbc_drivers());
  if (target.driver.empty()) {
    return Error(ErrorCode::kMisconfigured, "no ODBC driver for SQL Server is registered on this machine")
        .with_reason("no_odbc_driver")
        .with_remedy("install Microsoft's msodbcsql18 or Debian's tdsodbc, or set DB_DRIVER to one of odbcinst.ini");
  }
  if (!is_freetds(target)) return target;
  static FreetdsFile file;
  IMGIMPORT_ASSIGN_OR_RETURN(target.server_name, file.add(target));
  return target;
}

}  // namespace imgimport::db
