#include "config/command_line.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

#include "base/glob.hpp"
#include "base/import_filters.hpp"
#include "base/text.hpp"
#include "config/codecs.hpp"
#include "config/suggest.hpp"

namespace imgimport {
namespace {

Error bad_argument(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message)).with_remedy("See imgimport --help");
}

enum class Takes : std::uint8_t {
  kNothing = 1,
  kOptionalValue,  // only with "=": --recursive, --recursive=false
  kValue,
};

struct Option {
  std::string_view flag;
  Takes takes;
  std::string_view form;
  std::string_view meaning;
  std::array<Command, 3> commands;  // that it goes with; kHelp: all
  std::string_view expected;
  bool (*apply)(CommandLine&, std::string_view value);  // false: not what is expected
};

constexpr std::array kEverywhere = {Command::kHelp, Command::kHelp, Command::kHelp};
constexpr std::array kImportOnly = {Command::kImport, Command::kImport, Command::kImport};
constexpr std::array kWithReport = {Command::kImport, Command::kVerify, Command::kStatus};

template <class Value>
bool store(std::optional<Value>& target, const std::optional<Value>& value) {
  if (value) target = value;
  return value.has_value();
}

bool store_pixels(std::optional<std::int32_t>& target, std::string_view text) {
  const auto number = parse_whole_number(text);
  if (!number || *number > std::numeric_limits<std::int32_t>::max()) return false;
  target = static_cast<std::int32_t>(*number);
  return true;
}

bool store_local_time(std::string& target, std::string_view text) {
  if (!is_local_time(text)) return false;
  target = text;
  return true;
}

bool store_mime_types(std::vector<std::string>& target, std::string_view text) {
  for (std::string_view type : split_list(text)) {
    auto filter = parse_mime_filter(type);
    if (!filter) return false;
    target.push_back(*std::move(filter));
  }
  return !target.empty();
}

constexpr std::string_view kSizeWords = "a size such as 200000, 200KB or 2MiB";
constexpr std::string_view kPixelWords = "a whole number of pixels";
constexpr std::string_view kLocalTimeWords = "a date such as 2024-05-31 or 2024-05-31T18:30:00";
constexpr std::string_view kDatabaseWords = "sqlite:///path, postgresql://… or mssql://…";
constexpr std::string_view kInstantWords = "a time such as 2024-05-31 (UTC) or 2024-05-31T18:30:00+02:00";

constexpr std::array kOptions = {
    Option{"--config", Takes::kValue, "--config=PATH", "the settings' file, instead of ./config/default.json",
           kEverywhere, "a path",
           [](CommandLine& line, std::string_view value) {
             line.config_file = std::filesystem::path(value);
             return !value.empty();
           }},
    Option{"--dry-run", Takes::kOptionalValue, "--dry-run",
           "only list: counts, bytes, what it would cost of Drive's quota", kImportOnly, "true or false",
           [](CommandLine& line, std::string_view value) {
             const auto flag = FlagCodec::parse(value);
             if (flag) line.import.dry_run = *flag;
             return flag.has_value();
           }},
    Option{"--json", Takes::kNothing, "--json", "print the report as JSON", kWithReport, "",
           [](CommandLine& line, std::string_view) { return line.json = true; }},
    Option{"--recursive", Takes::kOptionalValue, "--recursive=false", "leave the folders inside the folder out",
           kImportOnly, "true or false",
           [](CommandLine& line, std::string_view value) {
             const auto flag = FlagCodec::parse(value);
             if (flag) line.import.recursive = *flag;
             return flag.has_value();
           }},
    Option{"--min-size", Takes::kValue, "--min-size=SIZE", "only images of at least SIZE (200000, 200KB, 2MiB)",
           kImportOnly, kSizeWords,
           [](CommandLine& line, std::string_view value) {
             return store(line.import.filters.min_size, parse_size(value));
           }},
    Option{"--max-size", Takes::kValue, "--max-size=SIZE", "… of at most SIZE", kImportOnly, kSizeWords,
           [](CommandLine& line, std::string_view value) {
             return store(line.import.filters.max_size, parse_size(value));
           }},
    Option{"--mime-types", Takes::kValue, "--mime-types=LIST",
           "… of these types, e.g. image/jpeg,image/heif or image/*", kImportOnly, "types such as image/jpeg,image/png",
           [](CommandLine& line, std::string_view value) {
             return store_mime_types(line.import.filters.mime_types, value);
           }},
    Option{"--name-glob", Takes::kValue, "--name-glob=GLOB", "… whose name fits, e.g. 'IMG_[0-4]*.{jpg,heic}'",
           kImportOnly, "a pattern with *, ?, [a-z] and {a,b}",
           [](CommandLine& line, std::string_view value) {
             line.import.filters.name_glob = value;
             return !value.empty() && !glob_trouble(value);
           }},
    Option{
        "--min-width", Takes::kValue, "--min-width=PIXELS", "… at least that wide", kImportOnly, kPixelWords,
        [](CommandLine& line, std::string_view value) { return store_pixels(line.import.filters.min_width, value); }},
    Option{
        "--min-height", Takes::kValue, "--min-height=PIXELS", "… at least that high", kImportOnly, kPixelWords,
        [](CommandLine& line, std::string_view value) { return store_pixels(line.import.filters.min_height, value); }},
    Option{"--taken-after", Takes::kValue, "--taken-after=DATE", "… taken then or later, by the camera's clock",
           kImportOnly, kLocalTimeWords,
           [](CommandLine& line, std::string_view value) {
             return store_local_time(line.import.filters.taken_after, value);
           }},
    Option{"--taken-before", Takes::kValue, "--taken-before=DATE",
           "… taken then or earlier; a date alone means that whole day", kImportOnly, kLocalTimeWords,
           [](CommandLine& line, std::string_view value) {
             return store_local_time(line.import.filters.taken_before, value);
           }},
    Option{"--modified-after", Takes::kValue, "--modified-after=TIME", "… changed in Drive then or later", kImportOnly,
           kInstantWords,
           [](CommandLine& line, std::string_view value) {
             return store(line.import.filters.modified_after, parse_modified_after(value));
           }},
    Option{"--modified-before", Takes::kValue, "--modified-before=TIME",
           "… changed then or earlier; a date alone means that whole day (UTC)", kImportOnly, kInstantWords,
           [](CommandLine& line, std::string_view value) {
             return store(line.import.filters.modified_before, parse_modified_before(value));
           }},
    Option{"--to",
           Takes::kValue,
           "--to=URL",
           "the database to copy the metadata to, e.g. postgresql://…",
           {Command::kMigrate, Command::kMigrate, Command::kMigrate},
           kDatabaseWords,
           [](CommandLine& line, std::string_view value) {
             line.url = DatabaseUrlCodec::parse(value).value_or("");
             return !line.url.empty();
           }},
};

struct CommandWord {
  std::string_view word;
  Command command;
};
constexpr std::array kCommandWords = {CommandWord{"import", Command::kImport}, CommandWord{"verify", Command::kVerify},
                                      CommandWord{"status", Command::kStatus},
                                      CommandWord{"migrate", Command::kMigrate}};
constexpr std::array kCommandFlags = {CommandWord{"--check-config", Command::kCheckConfig},
                                      CommandWord{"--print-plan", Command::kPrintPlan},
                                      CommandWord{"--health", Command::kHealth}};

class CommandLineParser {
 public:
  explicit CommandLineParser(std::span<const std::string> arguments) : arguments_(arguments) {}

  Result<CommandLine> parse() {
    if (const auto command = help_or_version()) {
      line_.command = *command;
      return line_;
    }
    while (next_ < arguments_.size()) {
      const std::string& argument = arguments_[next_++];
      const bool is_flag = !only_positionals_ && argument.size() > 1 && argument.front() == '-';
      if (is_flag && argument == "--") {
        only_positionals_ = true;
      } else if (is_flag) {
        IMGIMPORT_RETURN_IF_ERROR(flag(argument));
      } else {
        IMGIMPORT_RETURN_IF_ERROR(positional(argument));
      }
    }
    return finish();
  }

 private:
  std::optional<Command> help_or_version() const {
    for (const std::string& argument : arguments_) {
      if (argument == "--") break;
      if (argument == "--help" || argument == "-h") return Command::kHelp;
      if (argument == "--version" || argument == "-V") return Command::kVersion;
    }
    return std::nullopt;
  }

  Result<void> choose(Command command, std::string_view word) {
    if (command_ && *command_ != command) {
      return bad_argument("\"" + command_word_ + "\" and \"" + std::string(word) + "\" cannot be run at once");
    }
    command_ = command;
    command_word_ = word;
    return {};
  }

  Result<void> positional(const std::string& argument) {
    if (!command_) {
      for (const CommandWord& row : kCommandWords) {
        if (row.word == argument) return choose(row.command, row.word);
      }
      std::vector<std::string_view> words;
      for (const CommandWord& row : kCommandWords) words.push_back(row.word);
      const bool is_link = argument.find("://") != std::string::npos;
      return bad_argument("\"" + printable(argument, kQuoted) + "\" is not a command" +
                          (is_link ? " (did you mean imgimport import URL?)" : did_you_mean(argument, words)));
    }
    std::string* target = positional_target();
    if (target == nullptr || !target->empty())
      return bad_argument("unexpected argument \"" + printable(argument, kQuoted) + "\"");
    *target = argument;
    return {};
  }

  // Where the command's one argument goes; nullptr: it takes none.
  std::string* positional_target() {
    switch (*command_) {
      case Command::kImport:
        return &line_.import.folder_url;
      case Command::kVerify:
        return &line_.job;
      case Command::kStatus:
        return &line_.url;
      default:
        return nullptr;
    }
  }

  // "--Name_x=value" → name "--name-x" and the value, if there is one.
  struct Flag {
    std::string name;
    std::optional<std::string> value;
  };
  static Flag split(const std::string& argument) {
    const std::size_t equals = argument.find('=');
    Flag flag{to_lower_ascii(argument.substr(0, equals)), std::nullopt};
    std::replace(flag.name.begin(), flag.name.end(), '_', '-');
    if (equals != std::string::npos) flag.value = argument.substr(equals + 1);
    return flag;
  }

  Result<std::string> value_of(const Flag& flag) {
    if (flag.value) return *flag.value;
    const bool has_next = next_ < arguments_.size() && !arguments_[next_].starts_with("--");
    if (!has_next) return bad_argument(flag.name + " needs a value: " + flag.name + "=…");
    return arguments_[next_++];
  }

  Result<void> flag(const std::string& argument) {
    const Flag flag = split(argument);
    if (flag.name == "--role") return role(flag);
    for (const CommandWord& row : kCommandFlags) {
      if (row.word == flag.name) return command_flag(row, flag);
    }
    for (const Option& option : kOptions) {
      if (option.flag == flag.name) return this->option(option, flag);
    }
    for (const Setting& setting : settings()) {
      if (setting.flag() == flag.name) return this->setting(setting, flag);
    }
    return unknown_flag(flag.name);
  }

  Result<void> role(const Flag& flag) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::string value, value_of(flag));
    IMGIMPORT_ASSIGN_OR_RETURN(RoleSet roles, parse_roles(value));
    line_.roles.merge(roles);
    return {};
  }

  Result<void> command_flag(const CommandWord& row, const Flag& flag) {
    if (row.command == Command::kHealth) {
      line_.url = flag.value.value_or("");
    } else if (flag.value) {
      return bad_argument(flag.name + " takes no value");
    }
    return choose(row.command, row.word);
  }

  Result<void> option(const Option& option, const Flag& flag) {
    std::string value = "true";
    if (option.takes == Takes::kValue) {
      IMGIMPORT_ASSIGN_OR_RETURN(value, value_of(flag));
    } else if (flag.value && option.takes == Takes::kNothing) {
      return bad_argument(flag.name + " takes no value");
    } else if (flag.value) {
      value = *flag.value;
    }
    used_.push_back(&option);
    if (option.apply(line_, value)) return {};
    // The database's URL may hold a password.
    const std::string shown = option.flag == "--to" ? "***" : printable(value, kQuoted);
    return bad_argument(flag.name + ": \"" + shown + "\" is not " + std::string(option.expected));
  }

  Result<void> setting(const Setting& setting, const Flag& flag) {
    if (!flag.value && setting.json == JsonKind::kFlag) {
      line_.settings.push_back({&setting, "true"});
      return {};
    }
    IMGIMPORT_ASSIGN_OR_RETURN(std::string value, value_of(flag));
    // An empty variable counts as one that is not set, since compose passes those on; nobody passes on an empty flag.
    if (value.empty()) return bad_argument(flag.name + " has an empty value: give it one, or leave the flag out");
    line_.settings.push_back({&setting, std::move(value)});
    return {};
  }

  static Error unknown_flag(const std::string& name) {
    std::vector<std::string> flags = {"--role", "--help", "--version"};
    for (const CommandWord& row : kCommandFlags) flags.emplace_back(row.word);
    for (const Option& option : kOptions) flags.emplace_back(option.flag);
    for (const Setting& setting : settings()) flags.push_back(setting.flag());
    const std::vector<std::string_view> candidates(flags.begin(), flags.end());
    return bad_argument("unknown flag " + printable(name, kQuoted) + did_you_mean(name, candidates))
        .with_reason("unknown_flag");
  }

  Result<CommandLine> finish() {
    if (!command_ && line_.roles.empty()) {
      return bad_argument("say what to run: --role=all for the server, or \"import URL\" for one import")
          .with_reason("no_command");
    }
    line_.command = command_.value_or(Command::kServe);
    for (const Option* option : used_) {
      const auto& with = option->commands;
      const bool fits = with == kEverywhere || std::find(with.begin(), with.end(), line_.command) != with.end();
      if (!fits) return bad_argument(std::string(option->flag) + " does not go with " + command_name());
    }
    if (!line_.roles.empty() && !command_takes_roles())
      return bad_argument("--role does not go with " + command_name());
    if (line_.roles.empty()) line_.roles = all_roles();
    if (auto missing = missing_argument()) return *std::move(missing);
    IMGIMPORT_RETURN_IF_ERROR(check_bounds());
    return std::move(line_);
  }

  std::string command_name() const { return command_ ? "\"" + command_word_ + "\"" : "--role"; }

  bool command_takes_roles() const {
    return line_.command == Command::kServe || line_.command == Command::kCheckConfig ||
           line_.command == Command::kPrintPlan || line_.command == Command::kHealth;
  }

  std::optional<Error> missing_argument() const {
    if (line_.command == Command::kImport && line_.import.folder_url.empty()) {
      return bad_argument("import needs the link of a Drive folder: imgimport import URL");
    }
    if (line_.command == Command::kVerify && line_.job.empty()) {
      return bad_argument("verify needs the id of a job: imgimport verify JOB");
    }
    if (line_.command == Command::kMigrate && line_.url.empty()) {
      return bad_argument("migrate needs the database to copy to: imgimport migrate --to=URL");
    }
    return std::nullopt;
  }

  static std::string flag_of(std::string_view filter) {
    std::string flag = "--" + std::string(filter);
    std::replace(flag.begin(), flag.end(), '_', '-');
    return flag;
  }

  Result<void> check_bounds() const {
    const auto crossed = crossed_bounds(line_.import.filters);
    if (!crossed) return {};
    const std::string lower = flag_of(crossed->lower);
    const std::string upper = flag_of(crossed->upper);
    return bad_argument(lower + " is " + (crossed->in_time ? "later" : "greater") + " than " + upper +
                        ", so that no image could pass")
        .with_remedy("Give bounds that leave something between them, or one of the two flags alone");
  }

  std::span<const std::string> arguments_;
  std::size_t next_ = 0;
  bool only_positionals_ = false;
  CommandLine line_;
  std::optional<Command> command_;
  std::string command_word_;
  std::vector<const Option*> used_;
};

}  // namespace

Result<CommandLine> parse_command_line(std::span<const std::string> arguments) {
  return CommandLineParser(arguments).parse();
}

std::vector<OptionHelp> option_helps() {
  std::vector<OptionHelp> helps;
  for (const Option& option : kOptions) helps.push_back({option.form, option.meaning, option.commands.front()});
  return helps;
}

}  // namespace imgimport
