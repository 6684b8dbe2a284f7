// Shared by the tests of split services: an album in an emulated Drive, a Redis, and what is asked of a gateway whose
// neighbours come and go.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

#include "emulators/drive/drive_emulator.hpp"
#include "support/redis_server.hpp"
#include "support/server_process.hpp"
#include "support/split_deployment.hpp"
#include "support/temp_dir.hpp"
#include "support/waits.hpp"

namespace imgimport::split {

using Settings = std::map<std::string, std::string>;

struct SceneOptions {
  std::size_t images = 0;                // in the album
  std::chrono::milliseconds latency{0};  // before each of Drive's answers
  std::string address = "127.0.0.1";     // of this machine, where Drive and Redis are
};

struct Scene {
  explicit Scene(SceneOptions options);

  emulator::DriveEmulator drive;
  const std::string folder;
  RedisServer redis;
  const TempDir dir;
  const std::filesystem::path data;
  const std::size_t images;

  std::string link() const { return emulator::DriveEmulator::folder_link(folder); }
  // Of every service: where Drive and Redis are, 20 threads, batches of 20.
  Settings settings() const;
};

// Until so many of the job's images are imported. A 503 on the way is the answer of a gateway whose neighbour is away;
// the counters must add up at every look.
void wait_for_images(ServerProcess& gateway, const std::string& job, std::size_t images);

// Until /health of the service names the part, or (empty) is healthy again.
void wait_for_health(ServerProcess& service, const std::string& part);

// The job is done: the album and nothing else is in the records, each image once and as Drive has it.
void check_complete(ServerProcess& gateway, Scene& scene, const std::string& job);

int status_of(ServerProcess& gateway, const std::string& path);

// "20" where the long tests run: IMGIMPORT_KILL_ROUNDS, else `usually`.
int kill_rounds(int usually);

}  // namespace imgimport::split
