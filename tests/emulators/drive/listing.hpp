// files.list: one page of what a query finds.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "emulators/drive/access_book.hpp"
#include "emulators/drive/drive_tree.hpp"
#include "imgimport/http.hpp"

namespace imgimport::emulator {

// What an item's visibility depends on, read from a request.
struct Viewer {
  Caller caller;
  std::string resource_keys;  // the header X-Goog-Drive-Resource-Keys: id/key,id/key
  bool all_drives = false;    // supportsAllDrives
};
Viewer viewer_of(const HttpRequest& request, Caller caller);
// Whether the item exists for this viewer; if not, Google says "not found", whatever the reason.
bool is_visible(const DriveItem& item, const Viewer& viewer);
// Whether there is such a shared drive, and the caller is one of its members.
bool is_member(const DriveTree& tree, const std::string& drive_id, const Caller& caller);

// Page tokens of an older generation are refused.
using PageTokenGeneration = std::atomic<std::uint64_t>;

// `request` is a GET of /drive/v3/files, its caller already known.
HttpResponse list_files(const DriveTree& tree, const HttpRequest& request, const Viewer& viewer,
                        const PageTokenGeneration& generation);

}  // namespace imgimport::emulator
