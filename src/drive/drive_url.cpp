#include "drive/drive_url.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kMaxUrl = 2'048;
constexpr std::size_t kMaxId = 128;  // the longest in use have 44 characters
constexpr std::string_view kRemedy =
    "Open the folder in Google Drive and paste the address from the browser; it looks like "
    "https://drive.google.com/drive/folders/1AbC…";

// A link, taken apart; all parts are decoded.
struct Link {
  std::string host;
  std::vector<std::string> path;
  std::vector<std::pair<std::string, std::string>> query;
  std::string fragment;

  std::optional<std::string_view> query_value(std::string_view name) const {
    for (const auto& [key, value] : query) {
      if (equals_ignore_case(key, name)) return value;
    }
    return std::nullopt;
  }
};

Error refuse(std::string_view reason, std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message))
      .with_reason(std::string(reason))
      .with_remedy(std::string(kRemedy));
}

Error bad_url(std::string message) {
  return refuse("bad_url", std::move(message));
}
Error not_a_folder(std::string message) {
  return refuse("not_a_folder_url", std::move(message));
}

bool is_id_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxId && std::all_of(text.begin(), text.end(), is_id_char);
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

std::string decoded(std::string_view text) {
  return percent_decode(text).value_or(std::string(text));
}

std::vector<std::string> split_path(std::string_view text) {
  std::vector<std::string> segments;
  while (!text.empty()) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    if (slash > 0) segments.push_back(decoded(text.substr(0, slash)));
    text.remove_prefix(std::min(slash + 1, text.size()));
  }
  return segments;
}

std::vector<std::pair<std::string, std::string>> split_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    // Links copied out of a page's source have "&amp;" between their parameters.
    if (pair.starts_with("amp;")) pair.remove_prefix(4);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    query.emplace_back(decoded(pair.substr(0, equals)), decoded(pair.substr(std::min(equals + 1, pair.size()))));
  }
  return query;
}

// "javascript:alert(1)" has a scheme; "drive.google.com:443/x" and "localhost:80" have a port.
bool names_other_scheme(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.substr(0, colon).find_first_of("/?#.") != std::string_view::npos) {
    return false;
  }
  const std::size_t end = text.find_first_of("/?#", colon);
  return !is_digits(text.substr(colon + 1, end == std::string_view::npos ? end : end - colon - 1));
}

// The scheme's part is taken off; what is left starts with the host.
Result<std::string_view> without_scheme(std::string_view text) {
  const std::size_t separator = text.find("://");
  if (separator != std::string_view::npos && separator < text.find_first_of("/?#")) {
    const std::string scheme = to_lower_ascii(text.substr(0, separator));
    if (scheme != "http" && scheme != "https") return bad_url("a link to Google Drive starts with https://");
    return text.substr(separator + 3);
  }
  if (text.starts_with("//")) return text.substr(2);
  if (names_other_scheme(text)) return bad_url("this is no link to Google Drive");
  return text;
}

Result<std::string> clean_host(std::string_view authority) {
  // "https://drive.google.com@evil.example/" goes to evil.example.
  if (authority.find('@') != std::string_view::npos) return bad_url("a link to Google Drive holds no user name");
  const std::size_t colon = authority.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    if (port != "443" && port != "80") return bad_url("a link to Google Drive names no port");
    authority = authority.substr(0, colon);
  }
  std::string host = to_lower_ascii(authority);
  if (host.ends_with('.')) host.pop_back();
  return host;
}

Result<Link> take_apart(std::string_view text) {
  Link link;
  const std::size_t hash = std::min(text.find('#'), text.size());
  link.fragment = std::string(text.substr(std::min(hash + 1, text.size())));
  text = text.substr(0, hash);
  const std::size_t question = std::min(text.find('?'), text.size());
  link.query = split_query(text.substr(std::min(question + 1, text.size())));
  text = text.substr(0, question);
  const std::size_t slash = std::min(text.find('/'), text.size());
  IMGIMPORT_ASSIGN_OR_RETURN(link.host, clean_host(text.substr(0, slash)));
  link.path = split_path(text.substr(slash));
  return link;
}

// Drops what says nothing of the folder: a/DOMAIN, corp, drive, mobile, u/N.
std::vector<std::string> essential_path(const Link& link) {
  auto at = link.path.begin();
  const auto left = [&] { return link.path.end() - at; };
  while (left() > 0) {
    if (*at == "corp" || *at == "drive" || *at == "mobile") {
      ++at;
    } else if (*at == "u" && left() > 1 && is_digits(*(at + 1))) {
      at += 2;
    } else if (*at == "a" && left() > 1 && (at + 1)->find('.') != std::string::npos) {
      at += 2;
    } else {
      break;
    }
  }
  return {at, link.path.end()};
}

Result<FolderRef> folder(const Link& link, std::string_view id) {
  if (id.empty()) return bad_url("the link to Google Drive holds no folder id");
  if (id.size() > kMaxId) return bad_url("the folder id in the link is too long");
  if (!is_id(id)) return bad_url("the folder id in the link holds characters that no id has");
  FolderRef ref;
  ref.id = DriveId(std::string(id));
  if (const auto key = link.query_value("resourcekey"); key && !key->empty()) {
    if (!is_id(*key)) return bad_url("the resource key in the link holds characters that no key has");
    ref.resource_key = std::string(*key);
  }
  return ref;
}

constexpr std::array<std::string_view, 5> kById = {"folderview", "embeddedfolderview", "open", "leaf", "folders"};
constexpr std::array<std::string_view, 6> kFiles = {"file", "uc", "thumbnail", "viewer", "download", "viewerng"};
constexpr std::array<std::string_view, 9> kDocuments = {
    "document", "spreadsheets", "presentation", "forms", "drawings", "spreadsheet", "jamboard", "script", "videos"};

Result<FolderRef> parse_drive_path(const Link& link) {
  std::vector<std::string> path = essential_path(link);
  // The addresses of 2012: everything behind the hash.
  if (path.empty() && link.fragment.starts_with("folders/")) path = split_path(link.fragment);
  const std::string_view kind = path.empty() ? std::string_view() : std::string_view(path.front());

  if (kind == "folders" && path.size() > 1) return folder(link, path[1]);
  if (kind == "folder" && path.size() > 2 && path[1] == "d") return folder(link, path[2]);
  if (is_one_of(kind, kById)) return folder(link, link.query_value("id").value_or(""));
  if (kind == "my-drive") return folder(link, "root");
  if (is_one_of(kind, kFiles)) return not_a_folder("the link leads to one file, not to a folder");
  if (is_one_of(kind, kDocuments)) return not_a_folder("the link leads to a Google document, not to a folder");
  return not_a_folder("the link leads to a page of Google Drive, not to a folder");
}

Result<FolderRef> parse_link(const Link& link) {
  if (link.host == "drive.google.com") return parse_drive_path(link);
  if (link.host == "docs.google.com") {
    const std::vector<std::string> path = essential_path(link);
    const std::string_view kind = path.empty() ? std::string_view() : std::string_view(path.front());
    // Folders had addresses here before 2014.
    if (is_one_of(kind, kById) || kind == "folder") return parse_drive_path(link);
    return is_one_of(kind, kFiles) ? not_a_folder("the link leads to one file, not to a folder")
                                   : not_a_folder("the link leads to a Google document, not to a folder");
  }
  if (link.host == "drive.usercontent.google.com") return not_a_folder("the link leads to one file, not to a folder");
  if (link.host == "photos.google.com" || link.host == "photos.app.goo.gl") {
    return bad_url("the link leads to Google Photos, which is not part of Google Drive");
  }
  return bad_url("the link does not lead to drive.google.com");
}

}  // namespace

Result<FolderRef> parse_drive_url(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '<' && text.back() == '>') text = text.substr(1, text.size() - 2);
  if (text.empty()) return bad_url("there is no link to a folder");
  if (text.size() > kMaxUrl) return bad_url("the link is too long to be one to Google Drive");
  const bool has_blank = std::any_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
  if (has_blank) return bad_url("the link holds blanks or control characters");

  // A bare id holds none of what makes a link.
  const std::string_view before_query = text.substr(0, text.find('?'));
  if (before_query.find_first_of("/:.#") == std::string_view::npos) {
    Link bare;
    if (before_query.size() < text.size()) bare.query = split_query(text.substr(before_query.size() + 1));
    return folder(bare, before_query);
  }
  IMGIMPORT_ASSIGN_OR_RETURN(const std::string_view rest, without_scheme(text));
  IMGIMPORT_ASSIGN_OR_RETURN(const Link link, take_apart(rest));
  return parse_link(link);
}

}  // namespace imgimport
