#include "drive/drive_source.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "drive/drive_api.hpp"
#include "drive/drive_download.hpp"
#include "drive/drive_json.hpp"
#include "drive/drive_url.hpp"

namespace imgimport {
namespace {

// https://developers.google.com/workspace/drive/api/guides/limits
constexpr SourceCosts kCosts{.list = 100, .look_up = 5, .download = 200};
constexpr std::string_view kRootFields = "id,name,mimeType,driveId,resourceKey,trashed,shortcutDetails";

// In a query's quotes, a quote and a backslash need a backslash.
std::string quoted(std::string_view text) {
  std::string escaped = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped += '\'';
}

Result<std::string> clean_base_url(std::string_view text) {
  text = trim(text);
  for (const std::string_view tail : {"/", "/drive/v3", "/"}) {
    while (text.ends_with(tail)) text.remove_suffix(tail.size());
  }
  const std::string lower = to_lower_ascii(text);
  const bool is_http = lower.starts_with("http://") || lower.starts_with("https://");
  if (!is_http || text.find_first_of("?# ") != std::string_view::npos || lower.ends_with("://")) {
    return Error(ErrorCode::kMisconfigured, "GOOGLE_DRIVE_API_URL is no base URL of http or https")
        .with_reason("bad_api_url")
        .with_remedy("Leave it empty for Google itself, or set it as in https://www.googleapis.com.");
  }
  return std::string(text);
}

Error not_a_folder(std::string_view id) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("{} is a file in Google Drive, not a folder", id))
      .with_reason("not_a_folder")
      .with_remedy("Paste the link to the folder that holds it.");
}

Error gone_target() {
  return Error(ErrorCode::kNotFound, "the shortcut leads nowhere: its target was deleted")
      .with_reason("not_found")
      .with_remedy("Delete the shortcut in Google Drive, or make a new one.");
}

// `shared_drive` empty: among all that the account can see, which is all that Google has for a drive's non-members. The
// corpora are not named then: "user" is what it searches by itself, and naming it may shut shared drives out.
std::string list_parameters(const FolderRef& folder, const DriveId& shared_drive, std::string_view page_token) {
  const std::string query = quoted(folder.id.value()) + " in parents and trashed=false";
  std::string parameters = fmt::format(
      "q={}&pageSize=1000&supportsAllDrives=true&includeItemsFromAllDrives=true&fields={}", percent_encode(query),
      percent_encode(fmt::format("nextPageToken,incompleteSearch,files({})", kDriveFileFields)));
  if (!shared_drive.value().empty()) {
    parameters += "&corpora=drive&driveId=" + percent_encode(shared_drive.value());
  }
  if (!page_token.empty()) parameters += "&pageToken=" + percent_encode(page_token);
  return parameters;
}

DriveRequest file_request(DriveCall::Kind kind, const FileRef& file, std::string_view fields) {
  return {.kind = kind,
          .id = file.id.value(),
          .resource_key = file.resource_key,
          .path = "files/" + percent_encode(file.id.value()),
          .parameters = fmt::format("supportsAllDrives=true&fields={}", percent_encode(fields))};
}

}  // namespace

Result<std::unique_ptr<DriveSource>> DriveSource::create(const DriveOptions& options, HttpClient& http,
                                                         const Clock& clock) {
  DriveApi::Options api;
  IMGIMPORT_ASSIGN_OR_RETURN(api.base_url, clean_base_url(options.api_url));
  // A key pasted with a line break would break the URL; encoding is the identity for a real one.
  api.api_key = percent_encode(trim(options.api_key));
  if (!options.credentials_file.empty()) {
    IMGIMPORT_ASSIGN_OR_RETURN(ServiceAccount account, load_service_account(options.credentials_file));
    api.tokens = std::make_unique<AccessTokens>(
        AccessTokens::Options{.account = std::move(account), .subject = options.impersonate_user}, http, clock);
  } else if (!options.impersonate_user.empty()) {
    return Error(ErrorCode::kMisconfigured, "GOOGLE_IMPERSONATE_USER is set without a service account to act for it")
        .with_reason("bad_credentials_file")
        .with_remedy("Set GOOGLE_APPLICATION_CREDENTIALS to a service account's JSON file, or leave the user empty.");
  }
  const AbuseRisk abuse = options.acknowledge_abuse ? AbuseRisk::kTaken : AbuseRisk::kNotTaken;
  return std::unique_ptr<DriveSource>(new DriveSource(std::make_unique<DriveApi>(std::move(api), http, clock), abuse));
}

DriveSource::DriveSource(std::unique_ptr<DriveApi> api, AbuseRisk abuse) : api_(std::move(api)), abuse_(abuse) {}
DriveSource::~DriveSource() = default;

Result<FolderRef> DriveSource::parse_url(std::string_view url) const {
  return parse_drive_url(url);
}

SourceCosts DriveSource::costs() const {
  return kCosts;
}

Result<FolderRef> DriveSource::root(const CallContext& context, const FolderRef& folder) {
  IMGIMPORT_ASSIGN_OR_RETURN(DriveResource found, look_up_root(context, folder));
  if (found.entry.kind == EntryKind::kFolderShortcut) {
    const FolderRef target = std::move(found.entry.folder);
    IMGIMPORT_ASSIGN_OR_RETURN(found, look_up_root(context, target));
  }
  // Drive makes no shortcuts to shortcuts.
  if (found.entry.kind != EntryKind::kFolder) return not_a_folder(folder.id.value());
  return std::move(found.entry.folder);
}

Result<DriveResource> DriveSource::look_up_root(const CallContext& context, const FolderRef& folder) {
  if (folder.id.value().empty()) return gone_target();
  const FileRef file{.id = folder.id, .resource_key = folder.resource_key};
  IMGIMPORT_ASSIGN_OR_RETURN(const std::string body,
                             api_->get(context, file_request(DriveCall::Kind::kRoot, file, kRootFields)));
  IMGIMPORT_ASSIGN_OR_RETURN(DriveResource found, parse_drive_resource(body));
  if (found.trashed) {
    return Error(ErrorCode::kNotFound,
                 fmt::format("the folder {} lies in the trash of Google Drive", folder.id.value()))
        .with_reason("trashed")
        .with_remedy("Restore it in Google Drive, then start the import again.");
  }
  const bool keyless = found.entry.kind == EntryKind::kFolder && found.entry.folder.resource_key.empty();
  if (keyless) found.entry.folder.resource_key = folder.resource_key;
  return found;
}

Result<SourcePage> DriveSource::list(const CallContext& context, const FolderRef& folder, std::string_view page_token) {
  const DriveId drive = is_foreign(folder.shared_drive) ? DriveId() : folder.shared_drive;
  DriveRequest request{.kind = DriveCall::Kind::kList,
                       .id = folder.id.value(),
                       .resource_key = folder.resource_key,
                       .path = "files",
                       .parameters = list_parameters(folder, drive, page_token)};
  auto body = api_->get(context, request);
  // A folder can be shared with somebody who is no member of the drive that it lies in.
  if (!body.has_value() && !drive.value().empty() && body.error().reason() == "team_drive_membership_required") {
    {
      const std::scoped_lock lock(mutex_);
      foreign_drives_.insert(drive);
    }
    request.parameters = list_parameters(folder, DriveId(), page_token);
    body = api_->get(context, request);
  }
  if (!body.has_value()) return std::move(body).error();
  auto page = parse_drive_page(*body);
  if (!page.has_value()) return std::move(page).error().with_context("listing the folder " + folder.id.value());
  return page;
}

bool DriveSource::is_foreign(const DriveId& shared_drive) const {
  const std::scoped_lock lock(mutex_);
  return foreign_drives_.contains(shared_drive);
}

Result<SourceFile> DriveSource::look_up(const CallContext& context, const FileRef& file) {
  if (file.id.value().empty()) return gone_target();
  IMGIMPORT_ASSIGN_OR_RETURN(const std::string body,
                             api_->get(context, file_request(DriveCall::Kind::kLookUp, file, kDriveFileFields)));
  IMGIMPORT_ASSIGN_OR_RETURN(DriveResource found, parse_drive_resource(body));
  // The key that opened it opens its bytes too, and Google need not say it again.
  if (found.entry.file.resource_key.empty()) found.entry.file.resource_key = file.resource_key;
  return std::move(found.entry.file);
}

Result<std::unique_ptr<ByteReader>> DriveSource::open(const CallContext& context, const FileRef& file,
                                                      std::uint64_t offset) {
  if (file.id.value().empty()) return gone_target();
  DriveRequest request{.kind = DriveCall::Kind::kDownload,
                       .id = file.id.value(),
                       .resource_key = file.resource_key,
                       .path = "files/" + percent_encode(file.id.value()),
                       .parameters = "alt=media&supportsAllDrives=true",
                       .offset = offset};
  auto download = api_->open(context, request);
  // Google takes the flag only for a file that it has marked: never at the first try.
  if (!download.has_value() && abuse_ == AbuseRisk::kTaken &&
      download.error().reason() == "cannot_download_abusive_file") {
    request.parameters += "&acknowledgeAbuse=true";
    download = api_->open(context, request);
  }
  if (!download.has_value()) return std::move(download).error();
  return check_drive_download(context, *std::move(download),
                              {.call = {.kind = request.kind, .id = request.id, .account = api_->account()},
                               .offset = offset,
                               .now = api_->now()});
}

}  // namespace imgimport
