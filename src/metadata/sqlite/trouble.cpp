#include "metadata/sqlite/trouble.hpp"

#include "metadata/values.hpp"

namespace imgimport {

void write_trouble(db::Connection& connection, std::int64_t job, const JobTrouble& trouble) {
  connection.query("UPDATE jobs SET trouble_reason = ?2, trouble_message = ?3, trouble_remedy = ?4 WHERE id = ?1")
      .bind(job, stored_text(trouble.reason), stored_text(trouble.message), stored_text(trouble.remedy))
      .run();
}

void stop_job(db::Connection& connection, std::int64_t job, const JobTrouble& trouble, Timestamp now) {
  {
    auto query = connection.query("SELECT 1 FROM jobs WHERE id = ?1 AND status IN (1, 2, 3)");
    if (!query.bind(job).next()) return;
  }
  connection.query("UPDATE jobs SET status = 4, finished_at = ?2 WHERE id = ?1").bind(job, to_millis(now)).run();
  write_trouble(connection, job, trouble);
}

}  // namespace imgimport
