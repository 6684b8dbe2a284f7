#include "app/object_store_choice.hpp"

#include <cstdlib>
#include <string>
#include <utility>

#include "storage/azure/azure_store.hpp"
#include "storage/local/local_store.hpp"
#include "storage/s3/credentials/cached_credentials.hpp"
#include "storage/s3/credentials/chain.hpp"
#include "storage/s3/credentials/shared_files.hpp"
#include "storage/s3/s3_store.hpp"

namespace imgimport {
namespace {

std::optional<std::string> environment(std::string_view name) {
  const char* const value = std::getenv(std::string(name).c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Result<ChosenStore> open_local(const Assembly& assembly) {
  const Config& config = assembly.config;
  IMGIMPORT_ASSIGN_OR_RETURN(auto store,
                             LocalStore::open(config.data_dir, assembly.clock, config.storage.object_prefix));
  const LocalTickets& tickets = store->issued_tickets();
  return ChosenStore{std::move(store), &tickets};
}

Result<ChosenStore> open_s3(Assembly& assembly) {
  const StorageConfig& storage = assembly.config.storage;
  const AwsConfig& aws = storage.aws;
  const std::string region = s3_region(aws, environment);
  AwsCredentialsOptions options;
  options.keys.access_key_id = aws.access_key_id;
  options.keys.secret_access_key = aws.secret_access_key;
  options.keys.session_token = aws.session_token;
  options.region = region;
  options.endpoint_url = aws.endpoint_url;
  options.environment = environment;
  auto chain = std::make_unique<AwsCredentialsChain>(
      std::move(options), AwsCredentialsChain::Clients{*assembly.http, *assembly.local_http}, assembly.clock);

  S3Options s3;
  s3.bucket = aws.bucket;
  s3.region = region;
  s3.endpoint_url = aws.s3_endpoint_url.empty() ? aws.endpoint_url : aws.s3_endpoint_url;
  s3.prefix = storage.object_prefix;
  s3.storage_class = storage.storage_class;
  s3.encryption = storage.encryption;
  s3.encryption_key_id = storage.encryption_kms_id;
  IMGIMPORT_ASSIGN_OR_RETURN(
      auto store,
      S3Store::open(std::move(s3), *assembly.http,
                    std::make_unique<CachedAwsCredentials>(std::move(chain), assembly.clock), assembly.clock));
  return ChosenStore{std::move(store)};
}

Result<ChosenStore> open_azure(Assembly& assembly) {
  const StorageConfig& storage = assembly.config.storage;
  AzureStoreOptions options;
  IMGIMPORT_ASSIGN_OR_RETURN(options.account, parse_azure_connection_string(storage.azure.connection_string));
  options.container = storage.azure.container;
  options.prefix = storage.object_prefix;
  options.access_tier = storage.storage_class;
  IMGIMPORT_ASSIGN_OR_RETURN(auto store, AzureStore::create(*assembly.http, assembly.clock, std::move(options)));
  return ChosenStore{std::move(store)};
}

}  // namespace

std::string s3_region(const AwsConfig& aws, const EnvironmentLookup& environment) {
  if (!aws.region.empty()) return aws.region;
  return profile_region(environment).value_or("us-east-1");
}

Result<void> check_object_store(const Config& config) {
  if (config.storage.provider != StorageProvider::kAzure) return {};
  IMGIMPORT_RETURN_IF_ERROR(parse_azure_connection_string(config.storage.azure.connection_string));
  return {};
}

Result<ChosenStore> open_object_store(Assembly& assembly) {
  switch (assembly.config.storage.provider) {
    case StorageProvider::kLocal:
      return open_local(assembly);
    case StorageProvider::kAws:
      return open_s3(assembly);
    case StorageProvider::kAzure:
      return open_azure(assembly);
  }
  return Error(ErrorCode::kInternal, "unknown storage provider");
}

}  // namespace imgimport
