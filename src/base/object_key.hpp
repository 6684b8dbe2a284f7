// Where an image lies in its bucket: <prefix>/<drive id>/<version tag>/<safe name>. Pure functions.
//
// A key is made once, when the file is listed, and kept: every retry writes to the same place, two files of one name
// never meet, and a changed file gets a place of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "imgimport/ids.hpp"
#include "imgimport/result.hpp"
#include "imgimport/source.hpp"

namespace imgimport {

// S3's and Azure's limit is 1,024 (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html).
inline constexpr std::size_t kMaxObjectKeyBytes = 1024;
// A segment is a file name on a local disk; 255 is the limit of the usual file systems.
inline constexpr std::size_t kMaxObjectKeySegmentBytes = 255;
// Leaves room for the three segments that make_object_key adds.
inline constexpr std::size_t kMaxObjectKeyPrefixBytes = 512;
inline constexpr std::size_t kMaxSafeNameBytes = 180;

// Total over all bytes a listing may hold: the result is always a valid key that lies below `prefix`.
//   drive id     as it is where it consists of A-Z a-z 0-9 - _ and has at most 128 characters; otherwise every other
//                byte becomes !XX (hex), and what is too long is cut and ends in "!" and a hash of the whole.
//   version tag  the content's sha256, else md5, else sha1 (hex), else the head revision, else the time of the last
//                change in milliseconds, else "unversioned".
//   safe name    safe_file_name(name).
// REQUIRES: prefix is empty or is_valid_key_prefix(prefix)
ObjectKey make_object_key(std::string_view prefix, const SourceFile& file);

// A name that every store, file system, URL and shell takes, as close to the owner's as that allows. Letters, digits
// and symbols of every script stay, and so do "-", "_", "." and parentheses. Each run of anything else (spaces,
// slashes, other ASCII punctuation, control characters, bytes that are not UTF-8) becomes one "_"; invisible characters
// (zero-width, direction marks, variation selectors) go. Dots at either end go, a Windows device name or a leading "-"
// gets a "_" in front. At most kMaxSafeNameBytes, cut between characters, the extension kept; "unnamed" if nothing is
// left. Applying it twice changes nothing more.
std::string safe_file_name(std::string_view name);

// Whether a store takes the key: 1 to 1,024 bytes of UTF-8; segments of 1 to 255 bytes between single slashes, none of
// them "." or ".."; no control character, no backslash.
bool is_valid_object_key(std::string_view key) noexcept;
// kInvalidArgument (bad_object_key): it does not.
Result<void> check_object_key(const ObjectKey& key);

// A valid key of at most kMaxObjectKeyPrefixBytes.
bool is_valid_key_prefix(std::string_view prefix) noexcept;

}  // namespace imgimport
