// The body of POST /api/import/google-drive.
#pragma once

#include <string_view>

#include "imgimport/import_service.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Reads {"folder_url": …, "recursive", "dry_run", "filters": {…}}; null counts as absent. Fields unknown at the top are
// ignored, since older clients send more, unless one is a known field but for case, "-" and "_"; an unknown filter is
// refused: ignoring either would import what was not wanted. So are bounds that no image can meet together.
// kInvalidArgument: bad_json (with line and column), bad_field (names the field and what it must be), unknown_field,
// unknown_filter.
// The idempotency key is not in the body.
Result<ImportRequest> parse_import_request(std::string_view body);

// The body of POST /api/session: {"token": "…"}. Errors as above.
Result<std::string> parse_session_request(std::string_view body);

}  // namespace imgimport
