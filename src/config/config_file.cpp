#include "config/config_file.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "config/suggest.hpp"

namespace imgimport {
namespace {

namespace json = boost::json;

Error bad_file(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

Result<json::value> parse_json(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  json::parse_options options;
  options.allow_comments = true;
  json::stream_parser parser({}, options);
  boost::system::error_code error;
  const std::size_t read = parser.write(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (!error) return parser.release();
  const std::string_view before = text.substr(0, std::min(read, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  return bad_file("not valid JSON at line " + std::to_string(line) + " (" + error.message() + ")");
}

// Of two values of one key the parser keeps the last without a word. REQUIRES: `text` is valid JSON, comments apart.
class DuplicateKeys {
 public:
  explicit DuplicateKeys(std::string_view text) : text_(text) {}

  std::optional<Error> find() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        take_string();
        continue;
      }
      if (c == '/') {
        const bool to_line_end = text_.substr(at_, 2) == "//";
        skip_to(to_line_end ? "\n" : "*/");
        continue;
      }
      if (c == '{') objects_.emplace_back();
      if (c == '}') objects_.pop_back();
      if (c == ':') {
        Object& object = objects_.back();
        object.key = last_string_;
        if (!object.keys.insert(last_string_).second) {
          return bad_file("\"" + printable(path(), kQuoted) + "\" is there twice, the second time at line " +
                          std::to_string(string_line_))
              .with_remedy("Remove one of the two");
        }
      }
      step();
    }
    return std::nullopt;
  }

 private:
  struct Object {
    std::set<std::string> keys;
    std::string key;  // the one under way
  };

  void step() {
    if (text_[at_++] == '\n') ++line_;
  }
  void skip_to(std::string_view end) {
    const std::size_t stop = std::min(text_.find(end, at_ + 2), text_.size());
    while (at_ < stop) step();
    at_ = std::min(at_ + (end == "\n" ? 0 : end.size()), text_.size());
  }
  void take_string() {
    const std::size_t begin = at_++;
    string_line_ = line_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, text_.size());
    const json::value parsed = json::parse(json::string_view(text_.data() + begin, at_ - begin));
    last_string_.assign(parsed.get_string().data(), parsed.get_string().size());
  }
  std::string path() const {
    std::string text;
    for (const Object& object : objects_) text.append(text.empty() ? "" : ".").append(object.key);
    return text;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::vector<Object> objects_;
  std::string last_string_;
  std::size_t string_line_ = 1;
};

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}
std::string_view view(json::string_view text) {
  return {text.data(), text.size()};
}

// nullopt: a kind that no setting takes.
std::optional<std::string> to_text(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return std::string();
    case json::kind::string:
      return std::string(view(value.get_string()));
    case json::kind::array: {
      std::string list;
      for (const json::value& part : value.get_array()) {
        if (!part.is_string()) return std::nullopt;
        list.append(list.empty() ? "" : ",").append(view(part.get_string()));
      }
      return list;
    }
    case json::kind::object:
      return std::nullopt;
    default:
      return json::serialize(value);
  }
}

Error unknown_key(std::string_view path, std::string_view key) {
  for (const Setting& setting : settings()) {
    if (setting.key() == key) {
      return bad_file("unknown key \"" + printable(path, kQuoted) + "\" (that setting is " + setting.path() + ")");
    }
  }
  std::vector<std::string> paths;
  for (const Setting& setting : settings()) paths.push_back(setting.path());
  const std::vector<std::string_view> candidates(paths.begin(), paths.end());
  return bad_file("unknown key \"" + printable(path, kQuoted) + "\"" + did_you_mean(path, candidates));
}

Error unknown_group(std::string_view name) {
  for (const Setting& setting : settings()) {
    if (setting.key() == name) return unknown_key(name, name);
  }
  std::vector<std::string_view> names;
  for (const SettingGroup& group : setting_groups()) names.push_back(group.name);
  return bad_file("unknown group \"" + printable(name, kQuoted) + "\"" + did_you_mean(name, names))
      .with_remedy("See imgimport --help for the groups and their settings");
}

Result<FileEntry> read_entry(std::string_view group, std::string_view key, const json::value& value) {
  const std::string path = std::string(group) + "." + std::string(key);
  for (const Setting& setting : settings()) {
    if (setting.group != group || setting.key() != key) continue;
    auto text = to_text(value);
    if (!text) return bad_file(path + " must be " + setting.expected());
    return FileEntry{&setting, *std::move(text)};
  }
  return unknown_key(path, key);
}

}  // namespace

Result<std::vector<FileEntry>> parse_config_file(std::string_view text) {
  IMGIMPORT_ASSIGN_OR_RETURN(const json::value root, parse_json(text));
  if (auto twice = DuplicateKeys(text).find()) return *std::move(twice);
  if (!root.is_object()) return bad_file("not a JSON object of groups of settings");
  std::vector<FileEntry> entries;
  for (const auto& group : root.get_object()) {
    const std::string_view name = view(group.key());
    const auto groups = setting_groups();
    const bool known = std::any_of(groups.begin(), groups.end(), [&](const SettingGroup& g) { return g.name == name; });
    if (!known) return unknown_group(name);
    if (!group.value().is_object()) return bad_file("\"" + std::string(name) + "\" must be an object of settings");
    for (const auto& field : group.value().get_object()) {
      IMGIMPORT_ASSIGN_OR_RETURN(FileEntry entry, read_entry(name, view(field.key()), field.value()));
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

}  // namespace imgimport
