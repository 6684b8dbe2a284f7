// Google Drive v3 as a Source: folders shared by link with an API key; private folders and shared drives with a service
// account, which may act for a user of its Workspace domain.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/source.hpp"

namespace imgimport {

struct DriveOptions {
  std::string api_url = "https://www.googleapis.com";  // the base of Drive v3: an emulator, a proxy
  std::string api_key;
  std::string credentials_file;    // a service account's JSON: a path, or the text itself; used rather than the key
  std::string impersonate_user;    // domain-wide delegation: the address of the user to act for
  bool acknowledge_abuse = false;  // a second try, with that flag, for what Google marks as malware
};

class DriveApi;
struct DriveResource;

// Thread-safe, without waiting on each other but for an access token. Without any credentials every call fails with
// kMisconfigured (no_credentials). Each call is one request; two after a 401, for a shortcut, and for the first listing
// in a shared drive of which the account is no member.
// REQUIRES: `http` and `clock` outlive it and its readers.
class DriveSource : public Source {
 public:
  // kMisconfigured: a credentials file that cannot be used, a base URL that is none.
  static Result<std::unique_ptr<DriveSource>> create(const DriveOptions& options, HttpClient& http, const Clock& clock);
  ~DriveSource() override;

  Result<FolderRef> parse_url(std::string_view url) const override;
  Result<FolderRef> root(const CallContext& context, const FolderRef& folder) override;
  Result<SourcePage> list(const CallContext& context, const FolderRef& folder, std::string_view page_token) override;
  Result<SourceFile> look_up(const CallContext& context, const FileRef& file) override;
  Result<std::unique_ptr<ByteReader>> open(const CallContext& context, const FileRef& file,
                                           std::uint64_t offset) override;
  SourceCosts costs() const override;

 private:
  enum class AbuseRisk : std::uint8_t { kNotTaken = 1, kTaken };

  DriveSource(std::unique_ptr<DriveApi> api, AbuseRisk abuse);
  Result<DriveResource> look_up_root(const CallContext& context, const FolderRef& folder);
  bool is_foreign(const DriveId& shared_drive) const;

  const std::unique_ptr<DriveApi> api_;
  const AbuseRisk abuse_;
  mutable std::mutex mutex_;
  std::unordered_set<DriveId> foreign_drives_;  // guarded by mutex_: those of which the account is no member
};

}  // namespace imgimport
