// The image record as the public API shows it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/json_writer.hpp"
#include "imgimport/image.hpp"

namespace imgimport {

// Where browsers find an image's bytes.
struct ImageLinks {
  std::string public_url;         // of the gateway, without a slash at its end
  std::string public_bucket_url;  // likewise; empty = the bucket is not public
  // The bucket that public_bucket_url is; nullopt: not known yet. Asked only where there is such a URL.
  std::function<std::optional<StorePlace>()> public_place = {};

  std::string content_url(const Image& image) const;
};

// One object with every field of a record; null for what is not known.
void write_image(JsonWriter& json, const Image& image, const ImageLinks& links);

}  // namespace imgimport
