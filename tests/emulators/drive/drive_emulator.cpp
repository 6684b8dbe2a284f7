#include "emulators/drive/drive_emulator.hpp"

#include <utility>

#include "emulators/drive/elastic_pool.hpp"

namespace imgimport::emulator {

struct DriveEmulator::Running {
  explicit Running(const EmulatorOptions& options)
      : server({.io_threads = options.io_threads, .max_connections = 4096}, pool) {}

  Router router;
  ElasticPool pool{512};
  HttpServer server;
};

DriveEmulator::DriveEmulator(EmulatorOptions options) : options_(std::move(options)), service_(options_.seed) {
  service_.access().add_api_key(api_key());
  port_ = options_.port;
}

DriveEmulator::~DriveEmulator() {
  stop();
}

Result<std::uint16_t> DriveEmulator::start() {
  if (running_) return port_;
  auto running = std::make_unique<Running>(options_);
  service_.set_connection_gauge([server = &running->server] { return server->open_connections(); });
  service_.mount(running->router);
  IMGIMPORT_ASSIGN_OR_RETURN(port_, running->server.listen({.name = "drive-emulator",
                                                            .address = options_.address,
                                                            .port = port_,
                                                            .router = &running->router,
                                                            .tls = options_.tls}));
  service_.access().add_audience(token_url());
  running_ = std::move(running);
  running_->server.start();
  return port_;
}

void DriveEmulator::stop() {
  if (!running_) return;
  running_->server.stop(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
  running_->pool.stop();
  service_.drop_delayed();
  running_.reset();
}

std::string DriveEmulator::url() const {
  return (options_.tls ? "https://" : "http://") + options_.address + ":" + std::to_string(port_);
}

std::string DriveEmulator::folder_link(const std::string& id) {
  return "https://drive.google.com/drive/folders/" + id;
}

}  // namespace imgimport::emulator
