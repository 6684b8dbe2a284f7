#include "storage/http_answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/text.hpp"

namespace imgimport {
namespace {

// Splits at the first separator; an empty second half where there is none.
std::pair<std::string_view, std::string_view> split_at(std::string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::string resolve_entities(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}}};
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto* const entity = std::find_if(kEntities.begin(), kEntities.end(),
                                            [&](const auto& candidate) { return text.starts_with(candidate.first); });
    out += entity == kEntities.end() ? text.front() : entity->second;
    text.remove_prefix(entity == kEntities.end() ? 1 : entity->first.size());
  }
  return out;
}

}  // namespace

std::string header_of(const HttpHeaders& headers, std::string_view name) {
  return std::string(headers.find(name).value_or(std::string_view()));
}

std::string etag_of(const HttpHeaders& headers) {
  std::string_view etag = headers.find("ETag").value_or(std::string_view());
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

std::optional<std::uint64_t> parse_content_length(std::string_view text) {
  return whole_number<std::uint64_t>(text);
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  const auto [span, size] = split_at(text.substr(kUnit.size()), '/');
  const auto [first, last] = split_at(span, '-');
  const auto first_number = whole_number<std::uint64_t>(first);
  const auto last_number = whole_number<std::uint64_t>(last);
  const auto size_number = whole_number<std::uint64_t>(size);
  if (!first_number || !last_number || !size_number) return std::nullopt;
  if (*last_number < *first_number || *last_number >= *size_number) return std::nullopt;
  return ContentRange{*first_number, *last_number, *size_number};
}

std::string range_header(const ByteRange& range) {
  if (range.suffix) return fmt::format("bytes=-{}", *range.suffix);
  if (range.last) return fmt::format("bytes={}-{}", range.first, *range.last);
  return fmt::format("bytes={}-", range.first);
}

std::optional<std::string> xml_element(std::string_view document, std::string_view name) {
  const std::string open = fmt::format("<{}>", name);
  const std::string close = fmt::format("</{}>", name);
  const std::size_t begin = document.find(open);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::string_view rest = document.substr(begin + open.size());
  const std::size_t end = rest.find(close);
  if (end == std::string_view::npos) return std::nullopt;
  return resolve_entities(trim(rest.substr(0, end)));
}

Result<std::string> read_answer_body(const CallContext& context, ByteReader& body) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  while (text.size() < kMaxErrorBodyBytes) {
    const std::span<std::byte> room(buffer.data(), std::min(buffer.size(), kMaxErrorBodyBytes - text.size()));
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, body.read(context, room));
    if (count == 0) break;
    text.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
  return text;
}

}  // namespace imgimport
