// A folder that holds everything at once that importers are known to trip over, and what should become of each file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "emulators/drive/drive_emulator.hpp"

namespace imgimport::emulator {

enum class Outcome : std::uint8_t {
  kStored = 1,        // imported, or known to be stored already (two files here hold the same bytes)
  kStoredUnverified,  // stored under its own hash, since Drive tells another one (or none) than its bytes have
  kIgnored,           // listed, but no image
  kFailed,
  kDeferred,   // refused for hours
  kNotListed,  // trashed, or not reachable from the folder
};

struct ExpectedFile {
  std::string name;
  Outcome outcome = Outcome::kStored;
  std::string sha256;  // of the bytes that a download gives; empty for what has none
  std::uint64_t size = 0;
  std::string why;  // for whoever reads a failing test
};

struct NastyOptions {
  std::size_t images = 2'300;  // candidates for import, all told; at least 200
  std::uint64_t image_bytes = 4096;
  std::size_t quota_exhausted = 0;  // this many more images, with a fault rule that refuses them: downloadQuotaExceeded
};

struct NastyTree {
  std::string root;                           // the folder to import
  std::map<std::string, ExpectedFile> files;  // by the Drive id under which the file is an item

  std::size_t count(Outcome outcome) const;
  // Stored, failed and deferred together: what an import counts as its total.
  std::size_t candidates() const;
};

// Builds it below the emulator's root; deterministic.
NastyTree build_nasty_tree(DriveEmulator& drive, const NastyOptions& options = {});

}  // namespace imgimport::emulator
