// One image from the source to the store. Pure logic over the two contracts: no threads, no clock, no journal.
#pragma once

#include <cstdint>

#include "imgimport/call_context.hpp"
#include "imgimport/job.hpp"
#include "imgimport/object_store.hpp"
#include "imgimport/result.hpp"
#include "imgimport/source.hpp"

namespace imgimport {

// How a transfer may use memory.
enum class TransferMode : std::uint8_t {
  kInMemory = 1,  // the whole content is held once, so that a PUT can be repeated without a second download
  kStreaming,     // through a window of a fixed size
};

// After so many mismatches of one file, the published hash itself is doubted.
inline constexpr std::int32_t kAttemptsBeforeDoubt = 2;

struct Transferred {
  Result<StoredObject> stored;
  // Where that is an error: the put was begun, and may be carried out all the same.
  bool perhaps_stored = false;
};

// Downloads the item, makes sure by its first bytes that it is an image, and puts it under its key with the published
// hashes as a condition. A connection that breaks is resumed at its offset a few times, at once, as long as bytes come.
//
// A file whose bytes differ from the published hash on three fresh downloads, but are the same each time, is looked up
// again: where the source has a new version, that is taken; where it still shows the old hash (pictures that came from
// Google Photos: github.com/rclone/rclone/issues/2207), the bytes are stored under the hash computed here, and
// checksum_verified is false. Where they are fewer than the look-up says, only an image that is whole by its own end
// (base/image_end.hpp) is stored so; else a download that always breaks off at one place would be taken for the file.
//
// Errors: those of Source::open and ObjectStore::put; kUnsupported (not_an_image): the file's own bytes are no image;
// kCorrupt (not_the_bytes): an HTML or JSON document came in place of them; kCorrupt (size_mismatch).
Transferred transfer_image(const CallContext& context, Source& source, ObjectStore& store, const WorkItem& item,
                           TransferMode mode);

}  // namespace imgimport
