#include "emulators/drive/byte_range.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace imgimport::emulator {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

ByteRange parse_byte_range(std::string_view header, std::uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  const ByteRange whole{.kind = ByteRange::Kind::kWhole, .from = 0, .to = size};
  if (!header.starts_with(kUnit)) return whole;
  header.remove_prefix(kUnit.size());
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) return whole;
  const auto first = number(header.substr(0, dash));
  const auto last = number(header.substr(dash + 1));
  const bool open_end = dash + 1 == header.size();
  if ((dash > 0 && !first) || (!open_end && !last) || (dash == 0 && open_end)) return whole;
  if (first && last && *last < *first) return whole;

  const ByteRange nothing{.kind = ByteRange::Kind::kUnsatisfiable};
  if (!first) {
    if (*last == 0 || size == 0) return nothing;
    return {.kind = ByteRange::Kind::kPart, .from = size - std::min(size, *last), .to = size};
  }
  if (*first >= size) return nothing;
  return {.kind = ByteRange::Kind::kPart, .from = *first, .to = last ? std::min(size, *last + 1) : size};
}

}  // namespace imgimport::emulator
