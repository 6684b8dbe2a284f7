#include "emulators/drive/file_json.hpp"

#include <array>
#include <boost/json.hpp>
#include <utility>

#include "base/text.hpp"

namespace imgimport::emulator {
namespace {

using boost::json::object;
using boost::json::storage_ptr;
using boost::json::value;

// Puts `text` under `name` if it is wanted and not empty.
struct Writer {
  const FieldMask& mask;
  object& out;

  void text(std::string_view name, std::string_view content) {
    if (!content.empty() && mask.find(name)) out[name] = content;
  }
  void put(std::string_view name, value content) {
    if (mask.find(name)) out[name] = std::move(content);
  }
};

// Google writes milliseconds always.
std::string google_time(Timestamp time) {
  std::string text = to_rfc3339(time);
  if (text.find('.') == std::string::npos) text.insert(text.size() - 1, ".000");
  return text;
}

object image_json(const ImageMetadata& image, const FieldMask& mask) {
  object out;
  Writer to{mask, out};
  if (image.width > 0) to.put("width", image.width);
  if (image.height > 0) to.put("height", image.height);
  to.put("rotation", image.rotation);
  to.text("time", image.time);
  to.text("cameraMake", image.camera_make);
  to.text("cameraModel", image.camera_model);
  if (image.latitude && image.longitude && mask.find("location")) {
    object place;
    Writer inside{*mask.find("location"), place};
    inside.put("latitude", *image.latitude);
    inside.put("longitude", *image.longitude);
    out["location"] = std::move(place);
  }
  return out;
}

object shortcut_json(const ShortcutTarget& target, const FieldMask& mask) {
  object out;
  Writer to{mask, out};
  to.text("targetId", target.id);
  to.text("targetMimeType", target.mime_type);
  to.text("targetResourceKey", target.resource_key);
  return out;
}

object capabilities_json(const DriveItem& item, const FieldMask& mask) {
  object out;
  Writer to{mask, out};
  to.put("canDownload", item.can_download && item.kind != ItemKind::kFolder);
  to.put("canCopy", item.can_download);
  to.put("canEdit", false);
  to.put("canListChildren", item.kind == ItemKind::kFolder);
  return out;
}

void write_file_facts(const DriveItem& item, Writer& to) {
  if (item.size) to.put("size", value(std::to_string(*item.size)));
  to.text("md5Checksum", item.hashes.md5);
  to.text("sha1Checksum", item.hashes.sha1);
  to.text("sha256Checksum", item.hashes.sha256);
  to.text("headRevisionId", item.head_revision);
  to.text("originalFilename", item.name);
  const std::size_t dot = item.name.rfind('.');
  if (dot != std::string::npos) {
    to.text("fileExtension", std::string_view(item.name).substr(dot + 1));
    to.text("fullFileExtension", std::string_view(item.name).substr(dot + 1));
  }
  to.text("webContentLink", "https://drive.google.com/uc?id=" + item.id + "&export=download");
  const bool image = item.image.has_value();
  to.put("hasThumbnail", image);
  if (image) {
    to.text("thumbnailLink", "https://lh3.googleusercontent.com/drive-storage/" + item.head_revision + "=s220");
  }
  if (const FieldMask* mask = to.mask.find("imageMediaMetadata"); image && mask) {
    to.out["imageMediaMetadata"] = image_json(*item.image, *mask);
  }
}

}  // namespace

object file_json(const DriveItem& item, const FieldMask& mask, storage_ptr storage) {
  object out(std::move(storage));
  Writer to{mask, out};
  to.text("kind", "drive#file");
  to.text("id", item.id);
  to.text("name", item.name);
  to.text("mimeType", item.mime_type);
  to.text("resourceKey", item.resource_key);
  to.text("driveId", item.drive_id);
  to.text("teamDriveId", item.drive_id);
  if (!item.parent_id.empty()) to.put("parents", boost::json::array{value(item.parent_id)});
  if (mask.find("createdTime")) to.text("createdTime", google_time(item.created));
  if (mask.find("modifiedTime")) to.text("modifiedTime", google_time(item.modified));
  to.put("trashed", item.trashed);
  to.put("explicitlyTrashed", item.trashed);
  to.put("starred", false);
  if (mask.find("version")) to.text("version", std::to_string(item.version));
  if (item.kind == ItemKind::kFile) write_file_facts(item, to);
  if (const FieldMask* inner = mask.find("shortcutDetails"); inner && item.kind == ItemKind::kShortcut) {
    out["shortcutDetails"] = shortcut_json(item.target, *inner);
  }
  if (const FieldMask* inner = mask.find("capabilities")) out["capabilities"] = capabilities_json(item, *inner);
  return out;
}

const std::set<std::string, std::less<>>& file_field_names() {
  // https://developers.google.com/workspace/drive/api/reference/rest/v3/files
  static const std::set<std::string, std::less<>> names = {"appProperties",
                                                           "capabilities",
                                                           "contentHints",
                                                           "contentRestrictions",
                                                           "copyRequiresWriterPermission",
                                                           "createdTime",
                                                           "description",
                                                           "downloadRestrictions",
                                                           "driveId",
                                                           "explicitlyTrashed",
                                                           "exportLinks",
                                                           "fileExtension",
                                                           "folderColorRgb",
                                                           "fullFileExtension",
                                                           "hasAugmentedPermissions",
                                                           "hasThumbnail",
                                                           "headRevisionId",
                                                           "iconLink",
                                                           "id",
                                                           "imageMediaMetadata",
                                                           "inheritedPermissionsDisabled",
                                                           "isAppAuthorized",
                                                           "kind",
                                                           "labelInfo",
                                                           "lastModifyingUser",
                                                           "linkShareMetadata",
                                                           "md5Checksum",
                                                           "mimeType",
                                                           "modifiedByMe",
                                                           "modifiedByMeTime",
                                                           "modifiedTime",
                                                           "name",
                                                           "originalFilename",
                                                           "ownedByMe",
                                                           "owners",
                                                           "parents",
                                                           "permissionIds",
                                                           "permissions",
                                                           "properties",
                                                           "quotaBytesUsed",
                                                           "resourceKey",
                                                           "sha1Checksum",
                                                           "sha256Checksum",
                                                           "shared",
                                                           "sharedWithMeTime",
                                                           "sharingUser",
                                                           "shortcutDetails",
                                                           "size",
                                                           "spaces",
                                                           "starred",
                                                           "teamDriveId",
                                                           "thumbnailLink",
                                                           "thumbnailVersion",
                                                           "trashed",
                                                           "trashedTime",
                                                           "trashingUser",
                                                           "version",
                                                           "videoMediaMetadata",
                                                           "viewedByMe",
                                                           "viewedByMeTime",
                                                           "viewersCanCopyContent",
                                                           "webContentLink",
                                                           "webViewLink",
                                                           "writersCanShare"};
  return names;
}

}  // namespace imgimport::emulator
