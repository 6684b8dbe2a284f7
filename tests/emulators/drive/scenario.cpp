#include "emulators/drive/scenario.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "emulators/drive/fault_json.hpp"
#include "emulators/drive/nasty_tree.hpp"

namespace imgimport::emulator {
namespace {

using boost::json::object;
using boost::json::value;

Error wrong(const std::string& what) {
  return {ErrorCode::kInvalidArgument, "scenario: " + what};
}

// Typed look-ups that fall back when a field is missing or of another type.
std::string text(const object& from, std::string_view name, std::string fallback = {}) {
  const value* found = from.if_contains(name);
  return found && found->is_string() ? std::string(found->get_string()) : std::move(fallback);
}
std::uint64_t count(const object& from, std::string_view name, std::uint64_t fallback = 0) {
  const value* found = from.if_contains(name);
  boost::system::error_code failed;
  const auto number = found && found->is_number() ? found->to_number<std::uint64_t>(failed) : fallback;
  return failed ? fallback : number;
}
bool flag(const object& from, std::string_view name) {
  const value* found = from.if_contains(name);
  return found && found->is_bool() && found->get_bool();
}
boost::json::array list(const object& from, std::string_view name) {
  const value* found = from.if_contains(name);
  return found && found->is_array() ? found->get_array() : boost::json::array();
}

Audience audience_of(const object& from) {
  Audience audience{.anyone = flag(from, "anyone")};
  for (const value& email : list(from, "shared_with")) {
    if (email.is_string()) audience.emails.emplace(email.get_string());
  }
  return audience;
}

FileOptions file_options(const object& from) {
  FileOptions file{.id = text(from, "id"),
                   .mime_type = text(from, "mime"),
                   .type = content_type_from(text(from, "type", "jpeg")),
                   .size = count(from, "size", 64 << 10),
                   .resource_key = text(from, "resource_key"),
                   .trashed = flag(from, "trashed"),
                   .can_download = !flag(from, "no_download"),
                   .abusive = flag(from, "abusive")};
  if (from.contains("stated_size")) file.stated_size = count(from, "stated_size");
  if (from.contains("text")) file.content = bytes_content(text(from, "text"));
  const std::string hashes = text(from, "hashes", "all");
  file.hashes = hashes == "none" ? ShownHashes::kNone : hashes == "md5" ? ShownHashes::kMd5Only : ShownHashes::kAll;
  if (flag(from, "wrong_content")) file.served = synthetic_content({.seed = 99, .size = file.size, .type = file.type});
  return file;
}

class TreeBuilder {
 public:
  explicit TreeBuilder(DriveTree& tree) : tree_(tree) {}

  Result<void> add_all(const std::string& parent, const boost::json::array& entries) {
    for (const value& entry : entries) {
      if (!entry.is_object()) return wrong("an entry of the tree is no object");
      IMGIMPORT_RETURN_IF_ERROR(add(parent, entry.get_object()));
    }
    return {};
  }

 private:
  Result<void> add(const std::string& parent, const object& entry) {
    if (entry.contains("folder")) return add_folder(parent, entry);
    if (entry.contains("file")) {
      tree_.add_file(parent, text(entry, "file"), file_options(entry));
    } else if (entry.contains("files")) {
      tree_.add_files(parent, {.count = count(entry, "files"),
                               .size = count(entry, "size", 64 << 10),
                               .type = content_type_from(text(entry, "type", "jpeg")),
                               .name_prefix = text(entry, "prefix", "image-")});
    } else if (entry.contains("document")) {
      tree_.add_document(parent, text(entry, "document"), text(entry, "mime", std::string(kDocumentMime)));
    } else if (entry.contains("shortcut")) {
      tree_.add_shortcut(
          parent, text(entry, "shortcut"), text(entry, "target"),
          {.target_mime_type = text(entry, "target_mime"), .target_resource_key = text(entry, "target_resource_key")});
    } else {
      return wrong("an entry of the tree is none of folder, file, files, document, shortcut");
    }
    return {};
  }

  Result<void> add_folder(const std::string& parent, const object& entry) {
    FolderOptions options{
        .id = text(entry, "id"), .resource_key = text(entry, "resource_key"), .trashed = flag(entry, "trashed")};
    for (const value& page : list(entry, "pages")) {
      boost::system::error_code failed;
      if (page.is_number()) options.page_layout.push_back(page.to_number<std::size_t>(failed));
    }
    const std::string id = tree_.add_folder(parent, text(entry, "folder"), options);
    if (entry.contains("shared_with")) tree_.set_audience(id, audience_of(entry));
    return add_all(id, list(entry, "children"));
  }

  DriveTree& tree_;
};

void apply_access(DriveEmulator& drive, const object& scenario) {
  for (const value& key : list(scenario, "api_keys")) {
    if (key.is_string()) drive.access().add_api_key(std::string(key.get_string()));
  }
  for (const value& entry : list(scenario, "service_accounts")) {
    const object* account = entry.if_object();
    if (!account) continue;
    drive.access().add_service_account_key(text(*account, "email"), text(*account, "public_key"));
    for (const value& user : list(*account, "may_act_for")) {
      if (user.is_string()) drive.access().allow_impersonation(text(*account, "email"), std::string(user.get_string()));
    }
  }
  if (scenario.contains("token_lifetime_seconds")) {
    drive.access().set_token_lifetime(std::chrono::seconds(count(scenario, "token_lifetime_seconds")));
  }
}

}  // namespace

Result<std::string> apply_scenario(DriveEmulator& drive, const std::string& parent, std::string_view json) {
  boost::system::error_code failed;
  const value parsed = boost::json::parse(json, failed);
  if (failed || !parsed.is_object()) return wrong("not a JSON object");
  const object& scenario = parsed.get_object();
  for (const auto& field : scenario) {
    constexpr std::array<std::string_view, 9> kKnown = {
        "api_keys", "service_accounts", "token_lifetime_seconds", "quota_per_minute", "latency_ms", "faults", "nasty",
        "tree",     "comment"};
    if (std::find(kKnown.begin(), kKnown.end(), std::string_view(field.key())) == kKnown.end()) {
      return wrong("unknown field \"" + std::string(field.key()) + "\"");
    }
  }
  apply_access(drive, scenario);
  if (const value* faults = scenario.if_contains("faults")) {
    IMGIMPORT_ASSIGN_OR_RETURN(auto rules, faults_from_json(*faults));
    for (FaultRule& rule : rules) drive.faults().add(std::move(rule));
  }
  drive.faults().set_quota_per_minute(count(scenario, "quota_per_minute"));
  drive.service().set_latency(std::chrono::milliseconds(count(scenario, "latency_ms")));
  IMGIMPORT_RETURN_IF_ERROR(TreeBuilder(drive.tree()).add_all(parent, list(scenario, "tree")));
  return flag(scenario, "nasty") ? build_nasty_tree(drive, {}).root : parent;
}

}  // namespace imgimport::emulator
