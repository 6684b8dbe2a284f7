#include "storage/azure/connection_string.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "crypto/base64.hpp"

namespace imgimport {
namespace {

// The emulator's account is public and the same everywhere
// (https://learn.microsoft.com/en-us/azure/storage/common/storage-use-azurite).
constexpr std::string_view kEmulatorAccount = "devstoreaccount1";
constexpr std::string_view kEmulatorKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
constexpr std::string_view kEmulatorHost = "http://127.0.0.1";
constexpr std::string_view kEmulatorPort = ":10000";
constexpr std::string_view kPublicCloud = "core.windows.net";

using Settings = std::map<std::string, std::string>;  // names in lower case

Error bad(std::string_view what) {
  return Error(ErrorCode::kMisconfigured, "AZURE_STORAGE_CONNECTION_STRING " + std::string(what))
      .with_reason("bad_connection_string")
      .with_remedy(
          "Copy the whole connection string from \"Access keys\" (or \"Shared access signature\") of the storage "
          "account in the Azure portal: DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;"
          "EndpointSuffix=core.windows.net.");
}

Result<Settings> split(std::string_view text) {
  Settings settings;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view part = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    ++number;
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return bad("is no connection string: its part " + std::to_string(number) + " is not of the form Name=value");
    }
    std::string name = to_lower_ascii(trim(part.substr(0, equals)));
    if (!settings.emplace(std::move(name), trim(part.substr(equals + 1))).second) {
      return bad("sets something twice: its part " + std::to_string(number));
    }
  }
  return settings;
}

std::string_view value_of(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view without_slashes(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

// Only http and https, a host, and neither query nor user in it.
bool is_endpoint(std::string_view url) {
  const std::size_t start = url.find("://");
  if (start == std::string_view::npos) return false;
  const std::string scheme = to_lower_ascii(url.substr(0, start));
  const std::string_view rest = url.substr(start + 3);
  return (scheme == "http" || scheme == "https") && !rest.empty() && !rest.starts_with('/') &&
         rest.find_first_of("?#@ \t\r\n\"<>\\") == std::string_view::npos;
}

// The scheme in lower case, so that it can be compared.
std::string endpoint_of(std::string_view url) {
  const std::size_t start = url.find("://");
  return to_lower_ascii(url.substr(0, start)) + std::string(without_slashes(url.substr(start)));
}

// Letters and digits by the rules, "-" for the "-secondary" of a replica; above all nothing that would change a URL.
bool is_account_name(std::string_view name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

bool is_host_name(std::string_view name) {
  return !name.empty() &&
         to_lower_ascii(name).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.:") == std::string_view::npos;
}

Result<AzureAccount> emulator(const Settings& settings) {
  if (!equals_ignore_case(value_of(settings, "usedevelopmentstorage"), "true")) {
    return bad("has a UseDevelopmentStorage that is not \"true\"");
  }
  std::string host = std::string(kEmulatorHost) + std::string(kEmulatorPort);
  if (const std::string_view proxy = without_slashes(value_of(settings, "developmentstorageproxyuri"));
      !proxy.empty()) {
    if (!is_endpoint(proxy)) return bad("has a DevelopmentStorageProxyUri that is no http or https URL");
    host = endpoint_of(proxy);
    const bool has_port = host.find(':', host.find("://") + 3) != std::string::npos;
    if (!has_port) host += kEmulatorPort;
  }
  AzureAccount account;
  account.name = kEmulatorAccount;
  account.endpoint = host + "/" + account.name;
  account.key = base64_decode(kEmulatorKey).value();
  return account;
}

Result<std::string> find_endpoint(const Settings& settings, const std::string& account) {
  const std::string_view given = value_of(settings, "blobendpoint");
  if (!given.empty()) {
    if (!is_endpoint(given)) return bad("has a BlobEndpoint that is no http or https URL");
    return endpoint_of(given);
  }
  if (account.empty()) return bad("names no account: AccountName or BlobEndpoint is missing");
  std::string scheme = to_lower_ascii(value_of(settings, "defaultendpointsprotocol"));
  if (scheme.empty()) scheme = "https";
  if (scheme != "http" && scheme != "https") {
    return bad("has a DefaultEndpointsProtocol that is neither http nor https");
  }
  std::string_view suffix = value_of(settings, "endpointsuffix");
  if (suffix.empty()) suffix = kPublicCloud;
  if (!is_host_name(suffix)) return bad("has an EndpointSuffix that is no host name");
  return scheme + "://" + account + ".blob." + std::string(suffix);
}

Result<void> find_credential(const Settings& settings, AzureAccount& account) {
  if (const std::string_view key = value_of(settings, "accountkey"); !key.empty()) {
    if (account.name.empty()) return bad("has an AccountKey, but no AccountName");
    const auto raw = base64_decode(key);
    if (!raw || raw->empty()) return bad("has an AccountKey that is not Base64: was a part of it lost?");
    account.key = *raw;
    return {};
  }
  std::string_view sas = value_of(settings, "sharedaccesssignature");
  if (sas.starts_with('?')) sas.remove_prefix(1);
  if (sas.empty()) return bad("holds neither an AccountKey nor a SharedAccessSignature");
  if (!sas.starts_with("sig=") && sas.find("&sig=") == std::string_view::npos) {
    return bad("has a SharedAccessSignature without its signature (sig=…)");
  }
  if (sas.find_first_of(" \t\r\n#\"<>") != std::string_view::npos) {
    return bad("has a SharedAccessSignature with characters that no URL holds");
  }
  account.sas = sas;
  return {};
}

}  // namespace

std::string AzureAccount::title() const {
  if (!name.empty()) return name;
  const std::size_t start = endpoint.find("://");
  return start == std::string::npos ? endpoint : endpoint.substr(start + 3);
}

Result<AzureAccount> parse_azure_connection_string(std::string_view text) {
  IMGIMPORT_ASSIGN_OR_RETURN(const Settings settings, split(text));
  if (settings.empty()) return bad("is empty");
  if (settings.contains("usedevelopmentstorage")) return emulator(settings);
  AzureAccount account;
  account.name = value_of(settings, "accountname");
  if (!account.name.empty() && !is_account_name(account.name)) {
    return bad("has an AccountName with other characters than a-z and 0-9");
  }
  IMGIMPORT_ASSIGN_OR_RETURN(account.endpoint, find_endpoint(settings, account.name));
  IMGIMPORT_RETURN_IF_ERROR(find_credential(settings, account));
  return account;
}

}  // namespace imgimport
