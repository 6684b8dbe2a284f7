#include "config/validate.hpp"

#include <string>
#include <utility>

namespace imgimport {
namespace {

Error misconfigured(std::string message, std::string remedy) {
  return Error(ErrorCode::kMisconfigured, std::move(message)).with_remedy(std::move(remedy));
}

Result<void> check_storage(const StorageConfig& storage) {
  if (storage.provider == StorageProvider::kAws && storage.aws.bucket.empty()) {
    return misconfigured("STORAGE_PROVIDER is aws, but AWS_BUCKET_NAME is not set",
                         "Set AWS_BUCKET_NAME to the bucket's name");
  }
  if (storage.provider == StorageProvider::kAzure && storage.azure.connection_string.empty()) {
    return misconfigured("STORAGE_PROVIDER is azure, but AZURE_STORAGE_CONNECTION_STRING is not set",
                         "Set AZURE_STORAGE_CONNECTION_STRING to the one under \"Access keys\" of the storage account");
  }
  if (!storage.encryption.empty() && storage.encryption != "AES256" && storage.encryption != "aws:kms") {
    return misconfigured("STORAGE_ENCRYPTION is \"" + storage.encryption + "\", which is no encryption that S3 knows",
                         "Set it to AES256 or aws:kms, or leave it out for the bucket's own");
  }
  if (!storage.encryption_kms_id.empty() && storage.encryption != "aws:kms") {
    return misconfigured("STORAGE_ENCRYPTION_KMS_ID is set, but STORAGE_ENCRYPTION is not aws:kms",
                         "Set STORAGE_ENCRYPTION=aws:kms, or leave the key out");
  }
  if (storage.aws.access_key_id.empty() != storage.aws.secret_access_key.empty()) {
    const bool has_id = !storage.aws.access_key_id.empty();
    const std::string missing = has_id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID";
    return misconfigured(
        std::string(has_id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY") + " is set, but " + missing + " is not",
        "Set both, or neither");
  }
  return {};
}

Result<void> check_database(const MetadataConfig& metadata) {
  if (!metadata.url.empty()) return {};
  const std::pair<const char*, const std::string&> parts[] = {{"DB_SERVER", metadata.server},
                                                              {"DB_NAME", metadata.database},
                                                              {"DB_USER", metadata.user},
                                                              {"DB_PASSWORD", metadata.password}};
  std::string set;
  std::string missing;
  for (const auto& [name, value] : parts) {
    std::string& list = value.empty() ? missing : set;
    list.append(list.empty() ? "" : ", ").append(name);
  }
  if (set.empty() || missing.empty()) return {};
  return misconfigured("only a part of the database is named: " + set + " set, but not " + missing,
                       "Set " + missing + " as well, or none of the four for SQLite");
}

Result<void> check_drive(const DriveConfig& drive) {
  if (drive.impersonate_user.empty() || !drive.credentials_file.empty()) return {};
  return misconfigured(
      "GOOGLE_IMPERSONATE_USER is set, but GOOGLE_APPLICATION_CREDENTIALS is not",
      "Set GOOGLE_APPLICATION_CREDENTIALS to the JSON file of the service account that may impersonate");
}

Result<void> check_tls(const ServerConfig& server) {
  if (server.tls_cert_file.empty() == server.tls_key_file.empty()) return {};
  const bool has_key = server.tls_cert_file.empty();
  return misconfigured(std::string(has_key ? "TLS_KEY_FILE" : "TLS_CERT_FILE") + " is set, but " +
                           (has_key ? "TLS_CERT_FILE" : "TLS_KEY_FILE") + " is not",
                       "Set both to serve HTTPS, or neither");
}

Error open_to_all(const std::string& address, const std::string& token, const std::string& whom) {
  return misconfigured(
      "LISTEN_ADDRESS " + address + " can be reached from other machines, but " + token + " is not set",
      "Set " + token + " (" + whom + "), or ALLOW_ANONYMOUS=true to let everybody in");
}

}  // namespace

Result<void> validate_settings(const Config& config) {
  IMGIMPORT_RETURN_IF_ERROR(check_drive(config.drive));
  IMGIMPORT_RETURN_IF_ERROR(check_storage(config.storage));
  IMGIMPORT_RETURN_IF_ERROR(check_database(config.metadata));
  return check_tls(config.server);
}

Result<void> validate_listening(const Config& config, const RoleSet& roles) {
  const std::string& address = config.server.listen_address;
  if (is_loopback(address) || config.gateway.allow_anonymous) return {};
  if (roles.contains(Role::kGateway) && config.gateway.api_token.empty()) {
    return open_to_all(address, "API_TOKEN", "clients send it as a bearer token");
  }
  // With all roles in one process the internal ports stay on loopback, behind a token made at start.
  if (roles != all_roles() && config.server.internal_token.empty()) {
    return open_to_all(address, "INTERNAL_TOKEN", "the same for every service");
  }
  return {};
}

}  // namespace imgimport
