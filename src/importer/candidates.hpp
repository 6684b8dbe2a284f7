// What a listed file is to a job: an image to import, or something to pass over with a reason. Pure.
#pragma once

#include <string>

#include "imgimport/job.hpp"
#include "imgimport/source.hpp"

namespace imgimport {

// The item for a file as listed; its object key is made here, once and for all. Kept as kIgnored: what is no image
// (google_document, not_an_image), and what the filters leave out (filtered_…). kFailed: what may not be downloaded.
// Drive files are candidates when Drive says image/*, or application/octet-stream with an image's extension.
NewItem make_item(SourceFile file, std::string folder_path, const ImportFilters& filters,
                  const std::string& key_prefix);

// The item for a file shortcut whose target is gone or out of reach: failed, under the shortcut's own id and name.
NewItem make_broken_shortcut(SourceFile shortcut, std::string folder_path, const Error& why);

// The reason why the filters leave an image out; empty = they do not.
std::string filtered_out(const SourceFile& file, const ImportFilters& filters);

}  // namespace imgimport
