#include "gateway/web/embedded.hpp"

#include <cstddef>

// The assembler reads the files, so that a megabyte of them costs the compiler nothing.
#define IMGIMPORT_EMBED(name, file)      \
  __asm__(                               \
      ".pushsection .rodata\n"           \
      ".balign 16\n"                     \
      ".global imgimport_embedded_" name \
      "\n"                               \
      ".hidden imgimport_embedded_" name \
      "\n"                               \
      "imgimport_embedded_" name         \
      ":\n"                              \
      ".incbin \"" file                  \
      "\"\n"                             \
      ".global imgimport_embedded_" name \
      "_end\n"                           \
      ".hidden imgimport_embedded_" name \
      "_end\n"                           \
      "imgimport_embedded_" name         \
      "_end:\n"                          \
      ".byte 0\n"                        \
      ".popsection\n")

IMGIMPORT_EMBED("web_pack", IMGIMPORT_WEB_PACK);
IMGIMPORT_EMBED("openapi", IMGIMPORT_OPENAPI);

extern "C" {
extern const char imgimport_embedded_web_pack[];
extern const char imgimport_embedded_web_pack_end[];
extern const char imgimport_embedded_openapi[];
extern const char imgimport_embedded_openapi_end[];
}

namespace imgimport {

std::string_view embedded_web_pack() noexcept {
  return {imgimport_embedded_web_pack,
          static_cast<std::size_t>(imgimport_embedded_web_pack_end - imgimport_embedded_web_pack)};
}

std::string_view embedded_openapi() noexcept {
  return {imgimport_embedded_openapi,
          static_cast<std::size_t>(imgimport_embedded_openapi_end - imgimport_embedded_openapi)};
}

}  // namespace imgimport
