// Which object store the settings chose, ready to use.
#pragma once

#include <memory>
#include <string>

#include "app/assembly.hpp"
#include "imgimport/object_store.hpp"
#include "storage/s3/credentials/environment.hpp"

namespace imgimport {

class LocalTickets;

struct ChosenStore {
  std::unique_ptr<ObjectStore> store;
  const LocalTickets* tickets = nullptr;  // the store's own, where the storage service takes the uploads itself
};

// Asks nobody: a wrong key or a missing bucket shows at the first put. kMisconfigured: settings that cannot be right.
// REQUIRES: `assembly` outlives the store.
Result<ChosenStore> open_object_store(Assembly& assembly);

// What open_object_store() would refuse that can be seen without opening anything.
Result<void> check_object_store(const Config& config);

// The bucket's region: as set, else as AWS's SDKs find it (AWS_DEFAULT_REGION, the profile), else us-east-1.
std::string s3_region(const AwsConfig& aws, const EnvironmentLookup& environment);

}  // namespace imgimport
