// The target of a request line, taken apart. Pure.
#pragma once

#include <string_view>

#include "imgimport/http.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// The path of a target, still percent-encoded: "/a%2Fb" of "/a%2Fb?x=1" or of "http://host/a%2Fb?x=1".
std::string_view raw_path(std::string_view target) noexcept;

// Fills request.path and request.query from request.target. In the query "+" is a space, as in forms.
// kInvalidArgument: no path in it, a bad percent sequence, a NUL.
Result<void> split_target(HttpRequest& request);

}  // namespace imgimport
