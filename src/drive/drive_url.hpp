// Links to Drive folders as people paste them. Pure; never throws.
#pragma once

#include <string_view>

#include "imgimport/result.hpp"
#include "imgimport/source.hpp"

namespace imgimport {

// Reads every address that Drive has had for a folder (with u/N, mobile, a/DOMAIN, corp, folderview, open?id=…), a bare
// id, and "my-drive" (the id "root"); keeps the resource key. The scheme may be missing.
// kInvalidArgument: not_a_folder_url (a file, a document, a view such as "Recent") or bad_url (anything else), each
// with a remedy. `open?id=` may turn out to be a file's: only a look-up tells.
Result<FolderRef> parse_drive_url(std::string_view text);

}  // namespace imgimport
