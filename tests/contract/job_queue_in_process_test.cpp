#include <catch2/catch.hpp>

#include "job_queue_contract.hpp"
#include "queue/in_process_queue.hpp"

namespace imgimport {

TEST_CASE("InProcessQueue keeps the contract of JobQueue", "[job_queue][contract]") {
  contract::check_job_queue([](std::size_t capacity) { return std::make_unique<InProcessQueue>(capacity); });
}

}  // namespace imgimport
