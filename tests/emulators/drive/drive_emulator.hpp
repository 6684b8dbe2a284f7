// A Google Drive v3 on a port of this machine, for tests and measurements.
//
//   DriveEmulator drive;
//   const std::string folder = drive.tree().add_folder(drive.root_id(), "holiday");
//   drive.tree().add_files(folder, {.count = 100, .size = 64 << 10});
//   drive.faults().fail(RequestKind::kDownload, "userRateLimitExceeded", 0.4);
//   drive.start();
//   … a client on drive.url() with the API key drive.api_key() …
//   CHECK(drive.counters().file(id).full == 1);
//
// Threading: start, restart and stop from one thread; everything else from any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "emulators/drive/drive_service.hpp"
#include "http_server/server.hpp"
#include "imgimport/result.hpp"

namespace imgimport::emulator {

struct EmulatorOptions {
  std::uint64_t seed = 1;
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0 = pick one
  std::optional<TlsFiles> tls;
  std::size_t io_threads = 1;
};

class DriveEmulator {
 public:
  explicit DriveEmulator(EmulatorOptions options = {});
  ~DriveEmulator();
  DriveEmulator(const DriveEmulator&) = delete;
  DriveEmulator& operator=(const DriveEmulator&) = delete;

  // Listens and serves; returns the port. kMisconfigured: taken, or an unreadable certificate.
  Result<std::uint16_t> start();
  // Breaks off what is under way. The tree, counters and faults stay; start() opens the same port again. Idempotent.
  void stop();

  std::uint16_t port() const { return port_; }
  // "http://127.0.0.1:4711", to be given as base URL.
  std::string url() const;
  std::string token_url() const { return url() + "/token"; }
  // What a user would paste for a folder: https://drive.google.com/drive/folders/ID
  static std::string folder_link(const std::string& id);
  // Accepted from the beginning.
  static std::string api_key() { return "emulator-api-key"; }

  const std::string& root_id() { return service_.tree().root_id(); }
  DriveTree& tree() { return service_.tree(); }
  AccessBook& access() { return service_.access(); }
  FaultBook& faults() { return service_.faults(); }
  Counters& counters() { return service_.counters(); }
  DriveService& service() { return service_; }

 private:
  struct Running;

  const EmulatorOptions options_;
  DriveService service_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Running> running_;
};

}  // namespace imgimport::emulator
