#include "emulators/drive/listing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <functional>
#include <variant>

#include "emulators/drive/file_json.hpp"
#include "emulators/drive/file_query.hpp"

namespace imgimport::emulator {
namespace {

constexpr std::string_view kTokenPrefix = "~!!~AI9FV7";

bool is_set(const HttpRequest& request, std::string_view name) {
  return request.query_value(name) == "true";
}

bool holds_key(std::string_view keys, std::string_view id, std::string_view key) {
  while (!keys.empty()) {
    const std::size_t end = std::min(keys.find(','), keys.size());
    std::string_view pair = keys.substr(0, end);
    keys.remove_prefix(std::min(end + 1, keys.size()));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.size() == id.size() + 1 + key.size() && pair.starts_with(id) && pair[id.size()] == '/' &&
        pair.ends_with(key)) {
      return true;
    }
  }
  return false;
}

// Where a page begins.
struct Position {
  std::uint64_t offset = 0;  // among the folder's children
  std::uint64_t page = 0;    // in the folder's page layout
  std::uint64_t used = 0;    // of that page, when it was larger than what was asked for
};

struct ListRequest {
  FileQuery query;
  FieldMask mask;
  std::string parent;
  std::string drive_id;
  std::size_t page_size = 100;
  bool include_drives = false;
  std::uint64_t fingerprint = 0;  // a token is good only for the query that it came from
  Position position;
};

std::string make_token(const Position& position, std::uint64_t fingerprint, std::uint64_t generation) {
  return fmt::format("{}{:x}.{:x}.{:x}.{:x}.{:x}", kTokenPrefix, generation, fingerprint, position.offset,
                     position.page, position.used);
}

std::optional<Position> read_token(std::string_view token, std::uint64_t fingerprint, std::uint64_t generation) {
  if (!token.starts_with(kTokenPrefix)) return std::nullopt;
  token.remove_prefix(kTokenPrefix.size());
  std::array<std::uint64_t, 5> numbers{};
  for (std::uint64_t& number : numbers) {
    const auto [end, failed] = std::from_chars(token.data(), token.data() + token.size(), number, 16);
    if (failed != std::errc()) return std::nullopt;
    token.remove_prefix(static_cast<std::size_t>(end - token.data()));
    if (token.starts_with('.')) token.remove_prefix(1);
  }
  if (!token.empty() || numbers[0] != generation || numbers[1] != fingerprint) return std::nullopt;
  return Position{.offset = numbers[2], .page = numbers[3], .used = numbers[4]};
}

std::optional<GoogleError> read_corpora(const HttpRequest& request, ListRequest& list) {
  const std::string_view corpora = request.query_value("corpora").value_or("user");
  list.drive_id = std::string(request.query_value("driveId").value_or(request.query_value("teamDriveId").value_or("")));
  list.include_drives = (is_set(request, "supportsAllDrives") || is_set(request, "supportsTeamDrives")) &&
                        (is_set(request, "includeItemsFromAllDrives") || is_set(request, "includeTeamDriveItems"));
  const bool one_drive = corpora == "drive" || corpora == "teamDrive";
  if (!one_drive && corpora != "user" && corpora != "domain" && corpora != "allDrives" && corpora != "allTeamDrives") {
    return invalid_parameter("corpora", "Invalid Value");
  }
  if (one_drive == list.drive_id.empty()) {
    return invalid_parameter("driveId",
                             "The driveId parameter must be specified if and only if corpora is set to drive.");
  }
  if (corpora != "user" && corpora != "domain" && !list.include_drives) {
    return invalid_parameter("includeItemsFromAllDrives",
                             "The includeItemsFromAllDrives and supportsAllDrives parameters must be set to true for "
                             "this corpora.");
  }
  return std::nullopt;
}

std::optional<GoogleError> check_mask(const FieldMask& mask) {
  static const std::set<std::string, std::less<>> kKnown = {"kind", "incompleteSearch", "nextPageToken", "files"};
  std::string unknown = mask.unknown_field(kKnown);
  if (const FieldMask* files = mask.find("files"); unknown.empty() && files) {
    unknown = files->unknown_field(file_field_names());
  }
  if (unknown.empty()) return std::nullopt;
  GoogleError error = invalid_parameter("fields", "Invalid field selection " + unknown);
  error.reason = "invalidParameter";
  return error;
}

std::variant<ListRequest, GoogleError> read_request(const DriveTree& tree, const HttpRequest& request,
                                                    std::uint64_t generation) {
  ListRequest list;
  const std::string_view text = request.query_value("q").value_or("");
  auto query = FileQuery::parse(text);
  if (!query) return invalid_parameter("q", "Invalid Value");
  list.query = *std::move(query);
  auto mask = FieldMask::parse(request.query_value("fields").value_or(kDefaultListFields));
  if (!mask) return invalid_parameter("fields", "Invalid field selection");
  if (auto error = check_mask(*mask)) return *std::move(error);
  list.mask = *std::move(mask);
  if (const auto size = request.query_value("pageSize")) {
    const auto [end, failed] = std::from_chars(size->data(), size->data() + size->size(), list.page_size);
    if (failed != std::errc() || end != size->data() + size->size() || list.page_size < 1 || list.page_size > 1000) {
      return invalid_parameter(
          "pageSize", "Invalid value '" + std::string(*size) + "'. Values must be within the range: [1, 1000]");
    }
  }
  if (auto error = read_corpora(request, list)) return *std::move(error);
  list.parent = list.query.parent().value_or("");
  if (list.parent == "root") list.parent = tree.root_id();
  list.fingerprint = std::hash<std::string>{}(fmt::format("{}\n{}\n{}", text, list.drive_id, list.include_drives));
  if (const auto token = request.query_value("pageToken"); token && !token->empty()) {
    const auto position = read_token(*token, list.fingerprint, generation);
    if (!position) return invalid_parameter("pageToken", "Invalid Value");
    list.position = *position;
  }
  return list;
}

// Whether the folder that the query is bound to can be looked into at all; if not, Google finds nothing, with 200.
bool parent_is_open(const DriveTree& tree, const ListRequest& list, const Viewer& viewer,
                    std::vector<std::size_t>& layout) {
  bool open = false;
  tree.with_item(list.parent, [&](const DriveItem& folder) {
    Viewer within = viewer;
    within.all_drives = list.include_drives;
    open = is_visible(folder, within);
    layout = folder.page_layout;
  });
  return open;
}

std::size_t limit_of(const ListRequest& list, const std::vector<std::size_t>& layout) {
  if (list.position.page >= layout.size()) return list.page_size;
  return std::min<std::size_t>(
      list.page_size,
      layout[list.position.page] - std::min<std::size_t>(layout[list.position.page], list.position.used));
}

// The position after a page that gave `got` items; `more` tells of children beyond it.
std::optional<Position> following(const Position& now, const std::vector<std::size_t>& layout, std::size_t got,
                                  std::optional<std::uint64_t> more) {
  Position next = now;
  if (next.page < layout.size()) {
    next.used += got;
    if (next.used >= layout[next.page]) {
      ++next.page;
      next.used = 0;
    }
  }
  next.offset = more.value_or(now.offset);
  const bool empty_page_follows = next.page < layout.size() && layout[next.page] == 0;
  if (!more && !empty_page_follows) return std::nullopt;
  if (!more) next.offset = UINT32_MAX;
  return next;
}

std::string render(const ListRequest& list, boost::json::array files, const std::optional<Position>& next,
                   std::uint64_t generation) {
  boost::json::object body(files.storage());
  if (list.mask.find("kind")) body["kind"] = "drive#fileList";
  if (next && list.mask.find("nextPageToken")) {
    body["nextPageToken"] = make_token(*next, list.fingerprint, generation);
  }
  if (list.mask.find("incompleteSearch")) body["incompleteSearch"] = false;
  if (list.mask.find("files")) body["files"] = std::move(files);
  return boost::json::serialize(body);
}

}  // namespace

Viewer viewer_of(const HttpRequest& request, Caller caller) {
  return {.caller = std::move(caller),
          .resource_keys = std::string(request.headers.find("X-Goog-Drive-Resource-Keys").value_or("")),
          .all_drives = is_set(request, "supportsAllDrives") || is_set(request, "supportsTeamDrives")};
}

bool is_visible(const DriveItem& item, const Viewer& viewer) {
  if (!item.drive_id.empty() && !viewer.all_drives) return false;
  if (!item.audience) return false;
  if (!viewer.caller.email.empty() && item.audience->emails.contains(viewer.caller.email)) return true;
  if (!item.audience->anyone) return false;
  return item.resource_key.empty() || holds_key(viewer.resource_keys, item.id, item.resource_key);
}

bool is_member(const DriveTree& tree, const std::string& drive_id, const Caller& caller) {
  bool member = false;
  tree.with_item(drive_id, [&](const DriveItem& drive) {
    member = drive.id == drive.drive_id && drive.audience->emails.contains(caller.email);
  });
  return member;
}

HttpResponse list_files(const DriveTree& tree, const HttpRequest& request, const Viewer& viewer,
                        const PageTokenGeneration& generation) {
  const std::uint64_t born = generation;
  auto read = read_request(tree, request, born);
  if (const auto* error = std::get_if<GoogleError>(&read)) return error_response(*error);
  const ListRequest& list = std::get<ListRequest>(read);
  if (!list.drive_id.empty() && !is_member(tree, list.drive_id, viewer.caller)) {
    return error_response(shared_drive_not_found(list.drive_id));
  }

  boost::json::monotonic_resource memory;
  boost::json::array files(&memory);
  std::vector<std::size_t> layout;
  // Google answers a query for the children of several folders at once with nothing at all now and then, and says that
  // the search was complete (https://github.com/rclone/rclone/issues/3114): here it always does.
  const bool findable =
      !list.query.asks_for_several_parents() && (list.parent.empty() || parent_is_open(tree, list, viewer, layout));
  if (!findable) return json_response(200, render(list, std::move(files), std::nullopt, born));

  Viewer within = viewer;
  within.all_drives = list.include_drives;
  const std::size_t limit = limit_of(list, layout);
  const FieldMask* mask = list.mask.find("files");
  std::size_t got = 0;
  std::optional<std::uint64_t> more;
  tree.for_each(list.parent, list.position.offset, [&](std::size_t at, const DriveItem& item) {
    const bool found = (list.drive_id.empty() || item.drive_id == list.drive_id) &&
                       list.query.matches(item, tree.root_id()) &&
                       // A child with a resource key is listed, key and all, for whoever may look into its folder.
                       (item.resource_key.empty() ? is_visible(item, within) : !list.parent.empty());
    if (!found) return true;
    if (got == limit) {
      more = at;
      return false;
    }
    ++got;
    if (mask) files.emplace_back(file_json(item, *mask, &memory));
    return true;
  });
  return json_response(200, render(list, std::move(files), following(list.position, layout, got, more), born));
}

}  // namespace imgimport::emulator
