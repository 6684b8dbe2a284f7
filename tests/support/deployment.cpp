#include "support/deployment.hpp"

#include <cstdlib>
#include <ostream>
#include <utility>

namespace imgimport {

std::ostream& operator<<(std::ostream& out, const DeploymentKind& kind) {
  return out << (kind.shape == Shape::kAll ? "all in one process" : "split") << ", "
             << (kind.database == Database::kSqlite ? "SQLite" : "PostgreSQL");
}

std::vector<DeploymentKind> every_deployment() {
  return {{Shape::kAll, Database::kSqlite},
          {Shape::kAll, Database::kPostgres},
          {Shape::kSplit, Database::kSqlite},
          {Shape::kSplit, Database::kPostgres}};
}

std::vector<DeploymentKind> some_deployments() {
  if (std::getenv("IMGIMPORT_ALL_DEPLOYMENTS") != nullptr) return every_deployment();
  return {{Shape::kAll, Database::kSqlite}, {Shape::kSplit, Database::kPostgres}};
}

Deployment::Deployment(const DeploymentKind& kind, Settings settings)
    : data_(dir_.path() / "data"), kind_(kind), settings_(std::move(settings)) {
  if (kind_.database == Database::kPostgres) {
    database_ = std::make_unique<PostgresDatabase>();
    settings_["DATABASE_URL"] = PostgresServer::shared().url(database_->name());
  }
  if (kind_.shape == Shape::kSplit) {
    redis_ = std::make_unique<RedisServer>();
    settings_["REDIS_URL"] = redis_->url();
  }
  start();
}

Deployment::~Deployment() = default;

void Deployment::start() {
  if (kind_.shape == Shape::kAll) {
    all_.reset();
    all_ = std::make_unique<ServerProcess>(data_, settings_);
  } else if (split_) {
    split_->start();
  } else {
    split_ = std::make_unique<SplitDeployment>(data_, settings_, 2);
  }
}

int Deployment::stop() {
  return all_ ? all_->stop() : split_->stop();
}

ServerProcess& Deployment::gateway() {
  return all_ ? *all_ : split_->gateway();
}

}  // namespace imgimport
