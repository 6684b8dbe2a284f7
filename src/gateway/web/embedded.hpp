// Files that the build puts into the program's own image: they are there as long as it runs.
#pragma once

#include <string_view>

namespace imgimport {

// The built web app, packed by frontend/scripts/pack.mjs; see web_files. Holds no file where the program was built
// without Node.
std::string_view embedded_web_pack() noexcept;

// src/gateway/openapi.json, as it is.
std::string_view embedded_openapi() noexcept;

}  // namespace imgimport
