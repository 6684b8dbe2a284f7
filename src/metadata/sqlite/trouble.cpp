#include "metadata/sqlite/trouble.hpp"

#include "metadata/sqlite/garbage.hpp"
#include "metadata/values.hpp"

namespace imgimport {

void write_trouble(db::Connection& connection, std::int64_t job, const JobTrouble& trouble) {
  connection.query("UPDATE jobs SET trouble_reason = ?2, trouble_message = ?3, trouble_remedy = ?4 WHERE id = ?1")
      .bind(job, stored_text(trouble.reason), stored_text(trouble.message), stored_text(trouble.remedy))
      .run();
}

void add_warning(db::Connection& connection, std::int64_t job, const JobTrouble& warning) {
  std::optional<JobTrouble> before;
  {
    auto query = connection.query(
        "SELECT trouble_reason, trouble_message, trouble_remedy FROM jobs WHERE id = ?1 AND trouble_reason NOT NULL");
    if (query.bind(job).next()) before = JobTrouble{query.text(0), query.text(1), query.text(2)};
  }
  write_trouble(connection, job, joined(before, warning));
}

void stop_job(db::Connection& connection, std::int64_t job, const JobTrouble& trouble, Timestamp now) {
  {
    auto query = connection.query("SELECT 1 FROM jobs WHERE id = ?1 AND status IN (1, 2, 3)");
    if (!query.bind(job).next()) return;
  }
  connection.query("UPDATE jobs SET status = 4, finished_at = ?2 WHERE id = ?1").bind(job, to_millis(now)).run();
  write_trouble(connection, job, trouble);
  discard_begun(connection, job, Discard::kInDoubt, now);
}

}  // namespace imgimport
