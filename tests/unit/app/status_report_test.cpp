#include "app/status_report.hpp"

#include <catch2/catch.hpp>

namespace imgimport {
namespace {

DeploymentStatus whole() {
  DeploymentStatus status;
  status.url = "http://localhost:5000";
  status.health = "healthy";
  status.queue = {.waiting = 12, .leased = 4, .workers = 3, .rate = 410.25};
  status.images = {.count = 12'345, .bytes = 4'200'000'000};
  status.jobs = std::vector<DeploymentStatus::Job>{{.id = "5f0c7a52-7b1e-4c52-9a35-0d9a4f6d2b11",
                                                    .folder = "Holi\x1b[2Jdays",
                                                    .status = "processing",
                                                    .total = 5'000,
                                                    .ended = 1'250,
                                                    .failed = 2,
                                                    .rate = 410.2,
                                                    .eta_seconds = 9}};
  return status;
}

TEST_CASE("a deployment that is well is told service by service", "[status]") {
  CHECK(whole().is_healthy());
  CHECK(status_text(whole()) ==
        "http://localhost:5000\n"
        "  api-gateway        healthy\n"
        "  import-service     healthy\n"
        "  metadata-service   healthy\n"
        "  storage-service    healthy\n"
        "  worker-service     3 workers, batches: 4 under way, 12 waiting; 410.2 images/s\n"
        "  images             12345, 4.2 GB\n"
        "imports that run\n"
        "  5f0c7a52-7b1e-4c52-9a35-0d9a4f6d2b11  [#####               ] 1250/5000  410.2/s  ETA 0:09  2 failed"
        "  Holi?[2Jdays\n");
}

TEST_CASE("what is away stands beside its service, and makes the whole degraded", "[status]") {
  DeploymentStatus status = whole();
  status.health = "degraded";
  status.troubles = {{"storage", "connection refused"}, {"database", "the disk is full"}};
  status.queue.reset();
  status.queue_trouble = "the import service is away";
  status.jobs->clear();
  CHECK_FALSE(status.is_healthy());
  const std::string text = status_text(status);
  CHECK_THAT(text, Catch::Contains("  storage-service    away: connection refused\n"));
  CHECK_THAT(text, Catch::Contains("  database           trouble: the disk is full\n"));
  CHECK_THAT(text, Catch::Contains("  worker-service     not known: the import service is away\n"));
  CHECK_THAT(text, Catch::Contains("  imports            none is running\n"));
  CHECK_THAT(status_json(status), Catch::StartsWith(R"({"url":"http://localhost:5000","status":"degraded","parts":)"
                                                    R"({"storage":"connection refused","database":"the disk is full",)"
                                                    R"("queue":"the import service is away"},"batches_waiting":null,)"
                                                    R"("batches_leased":null,"workers":null,"rate":null,)"
                                                    R"("total_images":12345)"));
}

TEST_CASE("what could not be asked is not known, which is neither nothing nor well", "[status]") {
  DeploymentStatus status = whole();
  status.images.reset();
  status.images_trouble = "the metadata service does not answer";
  CHECK_FALSE(status.is_healthy());
  CHECK_THAT(status_text(status),
             Catch::Contains("  images             not known: the metadata service does not answer\n"));
  CHECK_THAT(status_json(status), Catch::Contains(R"("total_images":null,"total_size_bytes":null)") &&
                                      Catch::Contains(R"("images":"the metadata service does not answer")"));
  status = whole();
  status.jobs.reset();
  status.jobs_trouble = "the database does not answer";
  CHECK_FALSE(status.is_healthy());
  CHECK_THAT(status_text(status), Catch::Contains("  imports            not known: the database does not answer\n") &&
                                      !Catch::Contains("none is running"));
  CHECK_THAT(status_json(status), Catch::Contains(R"("parts":{"jobs":"the database does not answer"})") &&
                                      Catch::Contains(R"("jobs":null})") && Catch::Contains(R"("status":"degraded")"));
}

TEST_CASE("a service that answers and is not well says so itself", "[status]") {
  DeploymentStatus status = whole();
  status.health = "degraded";
  status.troubles = {{"import", "degraded: queue: the broker is away"}, {"worker", "degraded: queue: it refuses us"}};
  const std::string text = status_text(status);
  CHECK_THAT(text, Catch::Contains("  import-service     degraded: queue: the broker is away\n"));
  CHECK_THAT(text, Catch::Contains("  worker-service     degraded: queue: it refuses us; 3 workers, "));
}

TEST_CASE("without a worker nothing arrives, so that the deployment is not well", "[status]") {
  DeploymentStatus status = whole();
  status.queue->workers = 0;
  CHECK_FALSE(status.is_healthy());
  CHECK_THAT(status_text(status), Catch::Contains("no workers"));
  CHECK_THAT(status_json(status), Catch::Contains(R"("status":"degraded")"));
}

}  // namespace
}  // namespace imgimport
