#include "drive/service_account.hpp"

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "base/text.hpp"
#include "crypto/jwt.hpp"

namespace imgimport {
namespace {

namespace json = boost::json;

constexpr std::string_view kScope = "https://www.googleapis.com/auth/drive.readonly";
constexpr std::size_t kMaxFile = 1u << 20;

Error bad_file(std::string message) {
  return Error(ErrorCode::kMisconfigured, "GOOGLE_APPLICATION_CREDENTIALS: " + std::move(message))
      .with_reason("bad_credentials_file")
      .with_remedy(
          "Make a key of type JSON for a service account in the Google Cloud console (IAM & Admin, Service Accounts, "
          "Keys), and set GOOGLE_APPLICATION_CREDENTIALS to the path of that file.");
}

Result<std::string> read_text(std::string_view file) {
  if (trim(file).starts_with("{")) return std::string(file);
  std::ifstream stream(std::string(file), std::ios::binary);
  if (!stream) {
    // It may be a key all the same, in quotes or in base64.
    const std::string named = is_plausible_path(file) ? "the file " + std::string(file) : "what is set";
    return bad_file(named + " cannot be read: " + std::strerror(errno));
  }
  std::string text;
  text.resize(kMaxFile + 1);
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || (stream.fail() && !stream.eof())) return bad_file("the file cannot be read");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMaxFile) return bad_file("the file is far too large to be a key");
  return text;
}

std::string field(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Result<ServiceAccount> load_service_account(std::string_view file) {
  IMGIMPORT_ASSIGN_OR_RETURN(const std::string text, read_text(file));
  json::error_code failure;
  const json::value root = json::parse(text, failure);
  if (failure || !root.is_object()) return bad_file("this is not the JSON file of a service account");
  const json::object& object = root.get_object();
  if (const std::string type = field(object, "type"); type != "service_account") {
    return bad_file("these are credentials of type \"" + to_valid_utf8(type.substr(0, 40)) +
                    "\", where a service account's (\"service_account\") are needed");
  }
  ServiceAccount account;
  account.email = field(object, "client_email");
  account.private_key = field(object, "private_key");
  account.private_key_id = field(object, "private_key_id");
  if (std::string url = field(object, "token_uri"); !url.empty()) account.token_url = std::move(url);
  if (account.email.empty()) return bad_file("the file has no client_email");
  if (account.private_key.empty()) return bad_file("the file has no private_key");

  auto trial = make_assertion(account, {}, Timestamp());
  if (!trial.has_value()) return std::move(trial).error().with_context("GOOGLE_APPLICATION_CREDENTIALS");
  return account;
}

Result<std::string> make_assertion(const ServiceAccount& account, std::string_view subject, Timestamp now) {
  json::object header{{"alg", "RS256"}, {"typ", "JWT"}};
  if (!account.private_key_id.empty()) header["kid"] = account.private_key_id;
  const std::int64_t issued = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  json::object claims{
      {"iss", account.email}, {"scope", kScope}, {"aud", account.token_url}, {"iat", issued}, {"exp", issued + 3600}};
  if (!subject.empty()) claims["sub"] = subject;
  return sign_jwt_rs256({.header = json::serialize(header), .claims = json::serialize(claims)}, account.private_key);
}

}  // namespace imgimport
