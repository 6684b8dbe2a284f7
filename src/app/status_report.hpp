// What `imgimport status` prints: a whole deployment, from what its gateway answers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace imgimport {

// Of GET /health, /api/import/queue, /api/stats and the jobs that run; nullopt = that one gave no answer, and its
// trouble says why, in one sentence.
struct DeploymentStatus {
  std::string url;
  std::string health;                                         // "healthy", "degraded", "failed"
  std::vector<std::pair<std::string, std::string>> troubles;  // part → one sentence (is_state_text or why it is away)
  struct Queue {
    std::int64_t waiting = 0;  // batches
    std::int64_t leased = 0;
    std::int64_t workers = 0;
    double rate = 0;  // images per second
  };
  std::optional<Queue> queue;
  std::string queue_trouble;
  struct Images {
    std::int64_t count = 0;
    std::int64_t bytes = 0;
  };
  std::optional<Images> images;
  std::string images_trouble;
  struct Job {
    std::string id;
    std::string folder;
    std::string status;
    std::int64_t total = 0;
    std::int64_t ended = 0;  // processed, failed, deferred, cancelled
    std::int64_t failed = 0;
    double rate = 0;
    std::optional<std::int64_t> eta_seconds;
  };
  std::optional<std::vector<Job>> jobs;  // that run
  std::int64_t more_jobs = 0;            // that run too, and are not listed
  std::string jobs_trouble;

  // Every service answers, nothing is away, somebody works, and all that was asked for is known.
  bool is_healthy() const;
};

std::string status_text(const DeploymentStatus& status);
std::string status_json(const DeploymentStatus& status);

}  // namespace imgimport
