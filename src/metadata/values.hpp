// Values of the contract as they lie in columns, and back. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "imgimport/error.hpp"
#include "imgimport/ids.hpp"
#include "imgimport/job.hpp"

namespace imgimport {

// Text from outside made fit to be stored and compared: valid UTF-8, NUL replaced by U+FFFD.
std::string stored_text(std::string_view text);

// nullopt for an empty text, which no column of its kind holds.
std::optional<std::string> or_null(std::string_view text);

// Hex to raw bytes; nullopt for what is no hash of `bytes` bytes: then the hash counts as not known.
std::optional<std::string> hash_bytes(std::string_view hex, std::size_t bytes);
std::string hash_hex(std::string_view bytes);
// The same as hex in lower case, for columns of text.
std::optional<std::string> hash_text(std::string_view hex, std::size_t bytes);

// kNotFound, reasons no_such_job and no_such_image.
Error no_such_job(const JobId& id);
Error no_such_image(ImageId id);
Error no_such_key();

// A job's warnings as one, each said once; from some length on the later ones are counted off by "more".
JobTrouble joined(const std::optional<JobTrouble>& before, const JobTrouble& added);

std::int64_t to_millis(Timestamp time) noexcept;
std::optional<std::int64_t> to_millis(const std::optional<Timestamp>& time) noexcept;
Timestamp from_millis(std::int64_t millis) noexcept;
std::optional<Timestamp> from_millis(const std::optional<std::int64_t>& millis) noexcept;

// Sizes as the signed integers of databases. What a hostile listing claims beyond a pebibyte is cut there, so that the
// sums of a job cannot overflow.
std::int64_t stored_size(std::uint64_t bytes) noexcept;
std::optional<std::int64_t> stored_size(const std::optional<std::uint64_t>& bytes) noexcept;

// Stands for the key in an index (FNV-1a, 64 bits); always compared together with the key itself.
std::int64_t key_hash(const ObjectKey& key) noexcept;

// Column `done` of a folder; 0: it is not listed to its end yet.
inline constexpr std::int64_t kFolderDone = 1;
inline constexpr std::int64_t kFolderLeftOut = 2;

// Text for `LIKE ? ESCAPE '\'` that finds `part` anywhere, in every dialect: [ begins a set in T-SQL's.
std::string like_pattern(std::string_view part);

// The filters as one JSON object, equal for equal filters.
std::string filters_to_json(const ImportFilters& filters);
ImportFilters filters_from_json(std::string_view json);

}  // namespace imgimport
