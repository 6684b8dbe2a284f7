// What lies in a bucket or container, as clients tell it that nobody here wrote: rclone, and Microsoft's own.
#pragma once

#include <map>
#include <string>

#include "support/azurite.hpp"
#include "support/import_audit.hpp"
#include "support/radosgw.hpp"

namespace imgimport {

// SHA-256 of each object's bytes, downloaded, by key. Throws with the client's words when it fails.
std::map<std::string, std::string> bucket_contents(const Radosgw& server, const std::string& bucket);
std::map<std::string, std::string> container_contents(const Azurite& server, const std::string& container);

// Every record's object is in the bucket with the record's SHA-256, and the bucket holds nothing else. Empty, or what
// is wrong.
std::string audit_bucket(const std::map<std::string, std::string>& contents,
                         const std::map<std::string, StoredImage>& records);

}  // namespace imgimport
