#include "gateway/web/web_files.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::string_view kMagic = "imgimport-web 1 ";

Error not_a_pack() {
  return Error(ErrorCode::kInternal, "the web app inside this program is not whole")
      .with_remedy("Build the program again.");
}

// Takes a line off `text`; nullopt when there is none.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

constexpr std::size_t kFields = 7;

std::optional<std::array<std::string_view, kFields>> fields_of(std::string_view line) {
  std::array<std::string_view, kFields> fields;
  for (std::size_t i = 0; i < kFields; ++i) {
    const std::size_t tab = line.find('\t');
    if ((tab == std::string_view::npos) != (i + 1 == kFields)) return std::nullopt;
    fields[i] = line.substr(0, tab);
    if (i + 1 < kFields) line.remove_prefix(tab + 1);
  }
  return fields;
}

struct Entry {
  std::string path;
  WebFile file;
  std::array<std::size_t, 3> sizes{};
};

std::optional<Entry> entry_of(std::string_view line) {
  const auto fields = fields_of(line);
  if (!fields) return std::nullopt;
  const auto& [path, type, caching, tag, plain, gzip, brotli] = *fields;
  Entry entry;
  entry.path = path;
  entry.file.mime_type = type;
  entry.file.immutable = caching == "immutable";
  entry.file.tag = tag;
  const std::array<std::optional<std::size_t>, 3> sizes = {
      whole_number<std::size_t>(plain), whole_number<std::size_t>(gzip), whole_number<std::size_t>(brotli)};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (!sizes[i]) return std::nullopt;
    entry.sizes[i] = *sizes[i];
  }
  return entry;
}

// The coding's weight; a header without it may speak for it by "*".
double weight(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = parameters.find(';');
    const std::string_view parameter = trim(parameters.substr(0, end));
    parameters = end == std::string_view::npos ? std::string_view() : parameters.substr(end + 1);
    if (parameter.size() < 2 || (parameter[0] != 'q' && parameter[0] != 'Q') || parameter[1] != '=') continue;
    double value = 0;
    const std::string_view digits = parameter.substr(2);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return parsed.ec == std::errc{} ? value : 0;
  }
  return 1;
}

}  // namespace

Result<WebFiles> WebFiles::unpack(std::string_view pack) {
  const auto head = take_line(pack);
  if (!head || !head->starts_with(kMagic)) return not_a_pack();
  const auto count = whole_number<std::size_t>(head->substr(kMagic.size()));
  if (!count) return not_a_pack();
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto line = take_line(pack);
    auto entry = line ? entry_of(*line) : std::nullopt;
    if (!entry) return not_a_pack();
    entries.push_back(*std::move(entry));
  }
  if (const auto gap = take_line(pack); !gap || !gap->empty()) return not_a_pack();
  WebFiles files;
  for (Entry& entry : entries) {
    const std::array<HttpSharedBody*, 3> forms = {&entry.file.plain, &entry.file.gzip, &entry.file.brotli};
    for (std::size_t i = 0; i < forms.size(); ++i) {
      if (entry.sizes[i] > pack.size()) return not_a_pack();
      if (i == 0 || entry.sizes[i] > 0) *forms[i] = std::make_shared<const std::string>(pack.substr(0, entry.sizes[i]));
      pack.remove_prefix(entry.sizes[i]);
    }
    files.files_.emplace(std::move(entry.path), std::move(entry.file));
  }
  if (!pack.empty()) return not_a_pack();
  return files;
}

const WebFile* WebFiles::find(std::string_view path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? nullptr : &found->second;
}

AcceptedCodings accepted_codings(std::string_view accept_encoding) {
  std::optional<bool> gzip;
  std::optional<bool> brotli;
  bool others = false;
  while (!accept_encoding.empty()) {
    const std::size_t end = accept_encoding.find(',');
    const std::string_view item = trim(accept_encoding.substr(0, end));
    accept_encoding = end == std::string_view::npos ? std::string_view() : accept_encoding.substr(end + 1);
    const std::size_t semicolon = item.find(';');
    const std::string_view name = trim(item.substr(0, semicolon));
    const std::string_view parameters =
        semicolon == std::string_view::npos ? std::string_view() : item.substr(semicolon + 1);
    const bool taken = weight(parameters) > 0;
    if (equals_ignore_case(name, "gzip") || equals_ignore_case(name, "x-gzip")) gzip = taken;
    if (equals_ignore_case(name, "br")) brotli = taken;
    if (name == "*") others = taken;
  }
  return {gzip.value_or(others), brotli.value_or(others)};
}

}  // namespace imgimport
