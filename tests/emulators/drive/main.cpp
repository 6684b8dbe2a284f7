// drive-emulator: the Drive emulator as a program. Options and examples are in README.md beside this file.
#include <signal.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "emulators/drive/connect_proxy.hpp"
#include "emulators/drive/drive_emulator.hpp"
#include "emulators/drive/folder_source.hpp"
#include "emulators/drive/scenario.hpp"

namespace imgimport::emulator {
namespace {

constexpr std::string_view kUsage = R"(usage: drive-emulator [OPTION VALUE]…
  --port N                    default: a free one
  --folder DIR                serve a folder of the disk
  --synthetic NxSIZE[:TYPE]   serve N made-up files of SIZE bytes: 5000x65536, 300x3145728:png
  --scenario FILE.json        tree, faults, quota, accounts
  --latency-ms N              before every answer
  --quota N                   units a minute
  --seed N                    of ids, contents and chance; default 1
  --service-account FILE      writes a service account's JSON; everything is shared with it
  --token-uri URL             in that file; default: this emulator's /token
  --tls-cert F --tls-key F    serve HTTPS
  --connect-proxy N           a proxy that leads every CONNECT here; 0 picks a port
  --access-log FILE           one line for each request
  --io-threads N              default 1
)";
constexpr std::string_view kServiceAccount = "robot@drive-emulator.iam.gserviceaccount.com";

struct Synthetic {
  std::size_t count = 0;
  std::uint64_t size = 0;
  ContentType type = ContentType::kJpeg;
};

struct Options {
  EmulatorOptions emulator;
  std::vector<std::string> folders;
  std::vector<Synthetic> synthetic;
  std::vector<std::string> scenarios;
  std::uint64_t latency_ms = 0;
  std::uint64_t quota = 0;
  std::string service_account;
  std::string token_uri;
  std::string tls_cert;
  std::string tls_key;
  std::string access_log;
  std::optional<std::uint16_t> connect_proxy;
};

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), into);
  return !text.empty() && failed == std::errc() && end == text.data() + text.size();
}

bool read_synthetic(std::string_view text, Options& options) {
  Synthetic wanted;
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    wanted.type = content_type_from(text.substr(colon + 1));
    if (to_string(wanted.type) != text.substr(colon + 1)) return false;
  }
  const std::string_view numbers = text.substr(0, colon);
  const std::size_t cross = std::min(numbers.find('x'), numbers.find("×"));
  if (cross == std::string_view::npos) return false;
  const std::size_t after = cross + (numbers[cross] == 'x' ? 1 : std::string_view("×").size());
  options.synthetic.push_back(wanted);
  return read_number(numbers.substr(0, cross), options.synthetic.back().count) &&
         read_number(numbers.substr(after), options.synthetic.back().size);
}

bool set_option(std::string_view name, std::string_view value, Options& options) {
  if (name == "--port") return read_number(value, options.emulator.port);
  if (name == "--seed") return read_number(value, options.emulator.seed);
  if (name == "--io-threads") return read_number(value, options.emulator.io_threads);
  if (name == "--latency-ms") return read_number(value, options.latency_ms);
  if (name == "--quota") return read_number(value, options.quota);
  if (name == "--connect-proxy") return read_number(value, options.connect_proxy.emplace());
  if (name == "--synthetic") return read_synthetic(value, options);
  if (name == "--folder") {
    options.folders.emplace_back(value);
  } else if (name == "--scenario") {
    options.scenarios.emplace_back(value);
  } else if (name == "--service-account") {
    options.service_account = value;
  } else if (name == "--token-uri") {
    options.token_uri = value;
  } else if (name == "--tls-cert") {
    options.tls_cert = value;
  } else if (name == "--tls-key") {
    options.tls_key = value;
  } else if (name == "--access-log") {
    options.access_log = value;
  } else {
    return false;
  }
  return true;
}

Result<Options> read_options(const std::vector<std::string_view>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view name = arguments[i];
    std::string_view value;
    if (const std::size_t sign = name.find('='); sign != std::string_view::npos) {
      value = name.substr(sign + 1);
      name = name.substr(0, sign);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    }
    if (value.empty() || !set_option(name, value, options)) {
      return Error(ErrorCode::kInvalidArgument, "what is meant by \"" + std::string(name) + "\"?");
    }
  }
  if (!options.tls_cert.empty()) {
    options.emulator.tls = TlsFiles{.certificate_chain = options.tls_cert, .private_key = options.tls_key};
  }
  return options;
}

// Returns the folder to import: the one thing that was asked for, or what holds them all.
Result<std::string> fill(DriveEmulator& drive, const Options& options) {
  std::vector<std::string> tops;
  for (const std::string& folder : options.folders) {
    IMGIMPORT_ASSIGN_OR_RETURN(std::string id, add_folder_from_disk(drive.tree(), drive.root_id(), folder));
    tops.push_back(std::move(id));
  }
  for (const Synthetic& wanted : options.synthetic) {
    tops.push_back(drive.tree().add_folder(drive.root_id(), "synthetic-" + std::to_string(tops.size())));
    drive.tree().add_files(tops.back(), {.count = wanted.count, .size = wanted.size, .type = wanted.type});
  }
  for (const std::string& path : options.scenarios) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    if (!file) return Error(ErrorCode::kNotFound, path + " cannot be read");
    const std::string parent = drive.tree().add_folder(drive.root_id(), "scenario-" + std::to_string(tops.size()));
    IMGIMPORT_ASSIGN_OR_RETURN(std::string id, apply_scenario(drive, parent, text.str()));
    tops.push_back(std::move(id));
  }
  return tops.size() == 1 ? tops.front() : drive.root_id();
}

Result<void> write_service_account(DriveEmulator& drive, const Options& options) {
  if (options.service_account.empty()) return {};
  const std::string token_uri = options.token_uri.empty() ? drive.token_url() : options.token_uri;
  std::ofstream file(options.service_account);
  file << drive.access().add_service_account(std::string(kServiceAccount), token_uri) << '\n';
  if (!file.flush()) return Error(ErrorCode::kUnavailable, options.service_account + " cannot be written");
  drive.tree().set_audience(drive.root_id(), {.anyone = true, .emails = {std::string(kServiceAccount)}});
  return {};
}

Result<void> serve(const Options& options) {
  // Blocked before any thread starts, so that only sigwait below sees them.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  signal(SIGPIPE, SIG_IGN);

  DriveEmulator drive(options.emulator);
  IMGIMPORT_ASSIGN_OR_RETURN(const std::string top, fill(drive, options));
  drive.service().set_latency(std::chrono::milliseconds(options.latency_ms));
  if (options.quota > 0) drive.faults().set_quota_per_minute(options.quota);
  if (!options.access_log.empty() && !drive.service().log_to(options.access_log)) {
    return Error(ErrorCode::kUnavailable, options.access_log + " cannot be written");
  }
  IMGIMPORT_ASSIGN_OR_RETURN(const std::uint16_t port, drive.start());
  IMGIMPORT_RETURN_IF_ERROR(write_service_account(drive, options));
  ConnectProxy proxy(port);
  std::string line = "url=" + drive.url() + " root=" + top + " key=" + DriveEmulator::api_key();
  if (options.connect_proxy) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::uint16_t proxy_port, proxy.start(*options.connect_proxy));
    line += " proxy=http://127.0.0.1:" + std::to_string(proxy_port);
  }
  std::cout << line << " link=" << DriveEmulator::folder_link(top) << std::endl;

  int received = 0;
  sigwait(&ending, &received);
  proxy.stop();
  drive.stop();
  return {};
}

}  // namespace
}  // namespace imgimport::emulator

int main(int argc, char** argv) {
  using namespace imgimport;
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h")) {
    std::cout << emulator::kUsage;
    return 0;
  }
  configure_log(LogLevel::kError, LogFormat::kText);
  const auto options = emulator::read_options(arguments);
  if (!options) {
    std::cerr << "drive-emulator: " << options.error().message() << '\n' << emulator::kUsage;
    return 2;
  }
  if (const auto served = emulator::serve(*options); !served) {
    std::cerr << "drive-emulator: " << served.error().message() << '\n';
    return 2;
  }
  return 0;
}
