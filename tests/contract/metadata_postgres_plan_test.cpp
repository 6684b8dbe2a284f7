// That PostgreSQL finds lists of images by their indexes, whatever the table holds: by EXPLAIN of the store's own
// statements, and by what the server says it has read when the store asks for pages.
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <regex>

#include "contract/metadata_store_backends.hpp"
#include "metadata/sql/dialect.hpp"
#include "support/many_images.hpp"

using namespace imgimport;
using namespace imgimport::metadata_suite;

namespace {

constexpr std::int64_t kImages = 40'000;

// Shared: making it takes seconds.
const std::string& large_database() {
  static const std::string name = [] {
    PostgresServer& server = PostgresServer::shared();
    const std::string database = server.create_database(postgres_template());
    fill_postgres(server, database, kImages);
    const HandClock clock;
    open_sql(server.url(database), clock);  // makes up what lists are found by
    server.execute(database, "VACUUM ANALYZE");
    return database;
  }();
  return name;
}

using Values = std::vector<std::pair<std::string, std::string>>;

std::string explain(db::Sql statement, const Values& values) {
  std::string sql = statement.text();
  for (const auto& [name, value] : values) {
    sql = std::regex_replace(sql, std::regex("([^:]):" + name + "\\b"), "$01" + value);
  }
  INFO(sql);
  REQUIRE_FALSE(std::regex_search(sql, std::regex("[^:]:[a-z]")));
  return PostgresServer::shared().execute(large_database(), "EXPLAIN " + sql);
}

const Values kAny = {{"provider", "0"},   {"job", "0"},        {"folder", "0"},     {"camera", "0"},
                     {"first_day", "''"}, {"last_day", "':'"}, {"dated", "0"},      {"named", "0"},
                     {"offset", "0"},     {"limit", "50"},     {"before", "20000"}, {"lowest", "0"}};

Values with(Values values, const Values& more) {
  values.insert(values.begin(), more.begin(), more.end());
  return values;
}

std::string label(const std::string& name) {
  std::string id =
      PostgresServer::shared().execute(large_database(), "SELECT id FROM labels WHERE name = '" + name + "'");
  return id.substr(0, id.find('\n'));
}

const std::string kAnyName = R"('{"v":"%"}')";

// The table of that name is not read from end to end.
bool scans(const std::string& plan, const std::string& table) {
  return plan.find("Seq Scan on " + table) != std::string::npos;
}

// How many rows of the images the server has read since the last call, one way or the other. The numbers come when a
// connection ends.
struct Reads {
  std::int64_t whole = 0;  // scans of the whole table
  std::int64_t rows = 0;
};
Reads total_reads() {
  const std::string line = PostgresServer::shared().execute(
      large_database(),
      "SELECT seq_scan || ' ' || coalesce(idx_tup_fetch, 0) + seq_tup_read FROM pg_stat_user_tables"
      " WHERE relname = 'images'");
  Reads reads;
  std::istringstream(line) >> reads.whole >> reads.rows;
  return reads;
}
template <class Body>
Reads reads_of(Body body) {
  const Reads before = total_reads();
  {
    const HandClock clock;
    const auto store = open_sql(PostgresServer::shared().url(large_database()), clock);
    body(*store);
  }
  // Until the connection has ended on the other side, too.
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable never;
  for (int i = 0; i < 600; ++i) {
    const std::string open =
        PostgresServer::shared().execute(large_database(),
                                         "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                         " AND pid <> pg_backend_pid()");
    if (open.starts_with("0")) break;
    never.wait_for(lock, 10ms);
  }
  const Reads after = total_reads();
  return {after.whole - before.whole, after.rows - before.rows};
}

}  // namespace

TEST_CASE("PostgreSQL plans each list by the index that is meant for it", "[metadata][plan]") {
  const Dialect& dialect = postgres_dialect();
  const Values any_name = {{"pattern", kAnyName}};
  const auto plan = [&](db::Sql statement, const Values& values, const std::string& index) {
    const std::string text = explain(statement, with(with(kAny, any_name), values));
    INFO(text);
    CHECK(text.find(index) != std::string::npos);
    CHECK_FALSE(scans(text, "images"));
    CHECK_FALSE(scans(text, "image_labels"));
  };
  plan(dialect.page_table, {}, "Index Scan Backward using images_pkey");
  plan(dialect.page_provider, {{"lead", "2"}}, "Backward using images_by_provider");
  plan(dialect.page_job, {{"lead", "7"}}, "images_by_job");
  plan(dialect.count_job, {{"lead", "7"}, {"limit", "10001"}}, "images_by_job");
  const Values lists = {{"rows", "'[{\"id\":" + label("Camera 3") + "},{\"id\":" + label("2004-05-06") + "}]'"},
                        {"most", "50"}};
  plan(dialect.page_lists, lists, "Backward using image_labels_pkey");
  plan(dialect.page_lists_filtered, lists, "Backward using image_labels_pkey");
  plan(dialect.page_lists_filtered,
       with(lists, {{"pattern", R"('{"v":"%img%"}')"}, {"named", "1"}, {"folder", label("year 3")}}),
       "Backward using image_labels_pkey");
  const Values named = {{"pattern", R"('{"v":"%vienna 17%"}')"}, {"named", "1"}, {"most", "10001"}};
  plan(dialect.page_text, named, "images_by_name");
  plan(dialect.count_text, named, "images_by_name");
  plan(dialect.groups, {{"rows", R"('[{"parent":0,"sort":"","id":0}]')"}}, "labels_below");
  plan(dialect.days, {{"rows", R"('[{"parent":-5,"first":"2004-01-01","stop":"2004-01-31 "}]')"}}, "labels_below");
}

TEST_CASE("PostgreSQL finds the items of begun batches by those batches", "[metadata][plan]") {
  const Dialect& dialect = postgres_dialect();
  // Ten jobs of 10,000 items, of which a tenth is pending, and each has begun some batches.
  PostgresServer& server = PostgresServer::shared();
  server.execute(large_database(),
                 "INSERT INTO items (job_id, batch_id, state, reason, remedy, drive_id, name, folder_path, mime_type,"
                 " head_revision, resource_key, taken_at, camera, object_key)"
                 " SELECT 1 + i % 10, CASE WHEN i % 100 < 10 THEN i / 100 END, CASE WHEN i % 100 < 10 THEN 1 ELSE 2"
                 " END, '', '', 'item-' || i, 'n', '', '', '', '', '', '', 'key-' || i"
                 " FROM generate_series(1, 100000) i;"
                 "INSERT INTO begun_batches SELECT 1 + i % 10, i / 10, 1 FROM generate_series(1, 200) i;"
                 "INSERT INTO garbage SELECT 1, 'key-' || i, i % 3, i, 0, 0 FROM generate_series(1, 20000) i;"
                 "ANALYZE items; ANALYZE begun_batches; ANALYZE garbage");
  for (const db::Sql statement : {dialect.not_begun, dialect.begun_keys, dialect.purge_begun, dialect.begun_places}) {
    const std::string text = explain(statement, {{"job", "3"}, {"batch", "17"}, {"place", "1"}});
    INFO(text);
    CHECK_FALSE(scans(text, "items"));
    CHECK_FALSE(scans(text, "images"));
  }
  CHECK(explain(dialect.waiting_keys, {{"place", "1"}, {"now", "5"}, {"limit", "100"}}).find("garbage_by_state") !=
        std::string::npos);
}

TEST_CASE("PostgreSQL reads about as many images as a list shows", "[metadata][plan]") {
  const auto reads = [](const ImageQuery& query, std::int64_t page, ImageId before) {
    return reads_of([&](MetadataStore& store) {
      if (before.value() == 0) {
        CHECK(get(store.page(kCall, query, page, 50)).images.size() >= 20);
      } else {
        CHECK(get(store.walk(kCall, query, before, 50)).size() == 50);
      }
    });
  };
  struct Case {
    ImageQuery query;
    std::int64_t page = 1;
    std::int64_t most = 0;
  };
  // A total is counted to 10,000 where no counter has it; a page deep in the list is found within one block of ids; the
  // newest 20,000 tell whether many names hold a text.
  for (const Case& expected :
       {Case{{}, 1, 500}, Case{{}, kImages / 50, 5'000}, Case{{.storage_provider = "local"}, kImages / 60, 5'000},
        Case{{.job = JobId(many_images_job(5))}, 3, 2'000}, Case{{.folder = "year 20"}, 1, 500},
        Case{{.camera = "Camera 3"}, 1, 500}, Case{{.taken_after = "2003-02-05", .taken_before = "2017-03-03"}, 1, 500},
        Case{{.taken_after = "2003-02-05", .taken_before = "2017-03-03"}, 100, 500}, Case{{.text = "2345"}, 1, 25'000},
        Case{{.text = "sunset over"}, 1, 25'000}}) {
    INFO("page " << expected.page << " of q=" << expected.query.text << " folder=" << expected.query.folder
                 << " camera=" << expected.query.camera << " after=" << expected.query.taken_after);
    const Reads page = reads(expected.query, expected.page, ImageId(0));
    CHECK(page.whole == 0);
    CHECK(page.rows <= expected.most);
    if (expected.query.text.empty()) {
      const Reads walk = reads(expected.query, 1, ImageId(39'000));
      CHECK(walk.whole == 0);
      CHECK(walk.rows <= 500);
    }
  }
  // Of a text of two characters only the newest records are looked at.
  const Reads brief = reads_of([](MetadataStore& store) {
    const auto page = get(store.page(kCall, {.text = "zz"}, 1, 50));
    CHECK(page.images.empty());
    CHECK(page.total_capped);
  });
  CHECK(brief.whole == 0);
  CHECK(brief.rows <= 3 * kShortTextImages);
}
