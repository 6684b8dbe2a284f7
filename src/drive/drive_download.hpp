// From Drive's answer to a download's bytes: is it the file at all, and does it start where it was asked to?
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "imgimport/http_client.hpp"

namespace imgimport {

// A reader of the file from byte `offset` on.
// kCorrupt: not_the_bytes (a web page or a JSON document came with status 200), wrong_range, file_changed (it ends
// before `offset`).
Result<std::unique_ptr<ByteReader>> check_drive_download(const CallContext& context,
                                                         std::unique_ptr<HttpDownload> download, std::string_view id,
                                                         std::uint64_t offset);

}  // namespace imgimport
