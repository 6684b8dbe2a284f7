// From Drive's answer to a download's bytes: is it the file at all, and does it start where it was asked to?
#pragma once

#include <cstdint>
#include <memory>

#include "drive/drive_error.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"

namespace imgimport {

// What was asked for.
struct DriveDownload {
  DriveCall call;
  std::uint64_t offset = 0;
  Timestamp now;
};

// A reader of the file from byte `offset` on.
// Where a web page or a JSON document came with status 200: what it says, as drive_error() (a quota, "slow down"), else
// kCorrupt: not_the_bytes. kCorrupt as well: wrong_range, file_changed (it ends before `offset`).
Result<std::unique_ptr<ByteReader>> check_drive_download(const CallContext& context,
                                                         std::unique_ptr<HttpDownload> download,
                                                         const DriveDownload& asked);

}  // namespace imgimport
