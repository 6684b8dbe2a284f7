// imgimport as a user may run it, with local disk: all in one process or split, over SQLite or PostgreSQL. What one
// shape can, each can: scenarios take a deployment and ask its gateway.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/postgres.hpp"
#include "support/redis_server.hpp"
#include "support/server_process.hpp"
#include "support/split_deployment.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {

enum class Shape : std::uint8_t { kAll = 1, kSplit };
enum class Database : std::uint8_t { kSqlite = 1, kPostgres };

struct DeploymentKind {
  Shape shape = Shape::kAll;
  Database database = Database::kSqlite;
};
std::ostream& operator<<(std::ostream& out, const DeploymentKind& kind);

// All four.
std::vector<DeploymentKind> every_deployment();
// Of the four, two that differ in both: each shape and each database once. All four where IMGIMPORT_ALL_DEPLOYMENTS is
// set: for scenarios that take long.
std::vector<DeploymentKind> some_deployments();

class Deployment {
 public:
  using Settings = std::map<std::string, std::string>;

  // With a data directory, a Redis and a database of its own; split, with two workers. Waits until it listens.
  Deployment(const DeploymentKind& kind, Settings settings);
  ~Deployment();

  ServerProcess& gateway();
  const std::filesystem::path& data() const noexcept { return data_; }
  // SIGTERM to every process; 0 when each ended with 0.
  int stop();
  // After stop(): the same once more.
  void start();

 private:
  const TempDir dir_;
  const std::filesystem::path data_;
  const DeploymentKind kind_;
  Settings settings_;
  std::unique_ptr<PostgresDatabase> database_;
  std::unique_ptr<RedisServer> redis_;
  std::unique_ptr<ServerProcess> all_;
  std::unique_ptr<SplitDeployment> split_;
};

}  // namespace imgimport
