// Drive's file resources and pages of them. Pure.
//
// https://developers.google.com/workspace/drive/api/reference/rest/v3/files
#pragma once

#include <string_view>

#include "imgimport/ids.hpp"
#include "imgimport/result.hpp"
#include "imgimport/source.hpp"

namespace imgimport {

// The parts of a file resource that are asked for, in the syntax of the parameter `fields`.
inline constexpr std::string_view kDriveFileFields =
    "id,name,mimeType,size,md5Checksum,sha1Checksum,sha256Checksum,headRevisionId,modifiedTime,driveId,resourceKey,"
    "shortcutDetails(targetId,targetMimeType,targetResourceKey),imageMediaMetadata(width,height,rotation,time,"
    "cameraMake,"
    "cameraModel,location(latitude,longitude)),capabilities(canDownload),trashed";

// One file resource: its line in a listing, and what only a look-up of a root needs.
struct DriveResource {
  SourceEntry
      entry;  // of a folder: entry.folder.shared_drive is the drive it lies in; entry.file has its own facts too
  bool trashed = false;
};

// kUnavailable (malformed_answer): not what Drive promises. Unknown and null fields are passed over; a value out of its
// range counts as not known.
Result<DriveResource> parse_drive_resource(std::string_view text);
// Trashed entries are left out.
Result<SourcePage> parse_drive_page(std::string_view text);

// "YYYY:MM:DD HH:MM:SS", as EXIF writes it, as "YYYY-MM-DDTHH:MM:SS"; empty when it is no real date.
std::string exif_time_to_iso(std::string_view text);
// "Make Model", without the make where the model names it already.
std::string camera_name(std::string_view make, std::string_view model);

}  // namespace imgimport
