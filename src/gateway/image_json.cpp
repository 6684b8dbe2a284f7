#include "gateway/image_json.hpp"

#include "base/text.hpp"
#include "gateway/content_headers.hpp"

namespace imgimport {

std::string ImageLinks::content_url(const Image& image) const {
  // A bucket shows whatever it holds, scripts in an SVG too, without this server's headers.
  if (!public_bucket_url.empty() && image.place.provider != "local" && is_shown_inline(image)) {
    const std::optional<StorePlace> place = public_place();
    if (place && image.place.provider == place->provider && image.place.bucket == place->bucket) {
      return public_bucket_url + "/" + percent_encode_path(image.key.value());
    }
  }
  return public_url + "/api/images/" + std::to_string(image.id.value()) + "/content";
}

void write_image(JsonWriter& json, const Image& image, const ImageLinks& links) {
  json.begin_object();
  json.field("id", image.id.value());
  json.field("name", image.name);
  json.field("google_drive_id", image.drive_id.value());
  json.field("size", image.size_bytes);
  json.known_field("mime_type", image.mime_type);
  json.field("storage_path", links.content_url(image));
  json.field("object_key", image.key.value());
  json.field("storage_provider", image.place.provider);
  json.known_field("etag", image.etag);
  json.known_field("version_id", image.version_id);
  json.field("created_at", image.created_at);
  json.known_field("job_id", image.job.value());
  json.field("folder_path", image.folder_path);
  json.known_field("sha256", image.hashes.sha256);
  json.known_field("md5", image.hashes.md5);
  json.field("width", image.facts.width);
  json.field("height", image.facts.height);
  json.known_field("taken_at", image.facts.taken_at);
  json.known_field("camera", image.facts.camera);
  json.field("checksum_verified", image.checksum_verified);
  json.field("latitude", image.facts.latitude);
  json.field("longitude", image.facts.longitude);
  json.field("drive_modified_at", image.drive_modified_at);
  json.end_object();
}

}  // namespace imgimport
