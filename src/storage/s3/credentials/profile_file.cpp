#include "storage/s3/credentials/profile_file.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <optional>

#include "base/text.hpp"

namespace imgimport {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}
bool begins_comment(char c) {
  return c == '#' || c == ';';
}

// Up to the first comment sign that follows a blank: "a#b" is a value.
std::string_view without_comment(std::string_view line) {
  for (std::size_t at = 1; at < line.size(); ++at) {
    if (begins_comment(line[at]) && is_blank(line[at - 1])) return line.substr(0, at);
  }
  return line;
}

std::string_view without_quotes(std::string_view name) {
  const bool quoted = name.size() >= 2 && name.front() == name.back() && (name.front() == '"' || name.front() == '\'');
  return quoted ? name.substr(1, name.size() - 2) : name;
}

class Parser {
 public:
  explicit Parser(AwsFileKind kind) : kind_(kind) {}

  Result<void> take(std::string_view line) {
    ++line_;
    const std::string_view bare = trim(line);
    if (bare.empty() || begins_comment(bare.front())) return {};
    if (bare.front() == '[') return take_section(bare);
    if (is_blank(line.front())) return take_continuation(bare);
    return take_setting(line);
  }

  AwsProfiles finish() {
    if (has_prefixed_default_) return std::move(profiles_);
    for (auto& [key, value] : plain_default_) profiles_["default"].insert_or_assign(key, std::move(value));
    if (has_plain_default_) profiles_["default"];
    return std::move(profiles_);
  }

 private:
  enum class Below : std::uint8_t { kNothing = 1, kIgnoredSection, kSection };

  Error trouble(std::string_view what) const {
    return Error(ErrorCode::kMisconfigured, fmt::format("line {} {}", line_, what));
  }

  Result<void> take_section(std::string_view bare) {
    const std::size_t end = bare.find(']');
    if (end == std::string_view::npos) return trouble("begins with [ and has no ]");
    value_ = nullptr;
    profile_ = profile_of(trim(bare.substr(1, end - 1)));
    below_ = profile_ == nullptr ? Below::kIgnoredSection : Below::kSection;
    return {};
  }

  AwsProfile* profile_of(std::string_view section) {
    constexpr std::string_view kPrefix = "profile";
    const bool prefixed =
        section.starts_with(kPrefix) && section.size() > kPrefix.size() && is_blank(section[kPrefix.size()]);
    if (kind_ == AwsFileKind::kCredentials) {
      return prefixed || section.empty() ? nullptr : &profiles_[std::string(section)];
    }
    if (section == "default") {
      has_plain_default_ = true;
      return &plain_default_;
    }
    if (!prefixed) return nullptr;
    const std::string_view name = without_quotes(trim(section.substr(kPrefix.size())));
    if (name.empty()) return nullptr;
    if (name == "default") has_prefixed_default_ = true;
    return &profiles_[std::string(name)];
  }

  Result<void> take_setting(std::string_view line) {
    const std::string_view plain = without_comment(line);
    const std::size_t equals = plain.find('=');
    if (below_ == Below::kNothing) return trouble("stands above the first [section]");
    if (below_ == Below::kIgnoredSection) return {};
    if (equals == std::string_view::npos) return trouble("has no = and is no [section]");
    const std::string key = to_lower_ascii(trim(plain.substr(0, equals)));
    if (key.empty()) return trouble("has nothing before its =");
    const std::string_view value = trim(plain.substr(equals + 1));
    value_ = &profile_->insert_or_assign(key, std::string(value)).first->second;
    nested_ = value.empty();
    return {};
  }

  Result<void> take_continuation(std::string_view bare) {
    if (below_ == Below::kIgnoredSection) return {};
    if (value_ == nullptr)
      return trouble("begins with a blank, and there is no setting above that it could go on with");
    if (!nested_) {
      value_->append("\n").append(bare);
    } else if (bare.find('=') == std::string_view::npos) {
      return trouble("belongs to a nested block, and has no =");
    }
    return {};
  }

  const AwsFileKind kind_;
  std::size_t line_ = 0;
  AwsProfiles profiles_;
  AwsProfile plain_default_;  // "[default]" of the config file
  bool has_plain_default_ = false;
  bool has_prefixed_default_ = false;
  Below below_ = Below::kNothing;
  AwsProfile* profile_ = nullptr;  // of the section that the lines are in
  std::string* value_ = nullptr;   // of the last setting
  bool nested_ = false;            // that setting had no value
};

}  // namespace

Result<AwsProfiles> parse_aws_file(std::string_view text, AwsFileKind kind) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Parser parser(kind);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    IMGIMPORT_RETURN_IF_ERROR(parser.take(line));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parser.finish();
}

AwsProfiles merge_aws_profiles(AwsProfiles config, const AwsProfiles& credentials) {
  for (const auto& [name, profile] : credentials) {
    AwsProfile& merged = config[name];
    for (const auto& [key, value] : profile) merged.insert_or_assign(key, value);
  }
  return config;
}

}  // namespace imgimport
