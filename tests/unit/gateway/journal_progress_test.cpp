#include "gateway/journal_progress.hpp"

#include <catch2/catch.hpp>

#include "fakes/fake_import_service.hpp"
#include "fakes/manual_clock.hpp"
#include "fakes/memory_metadata_store.hpp"

using namespace imgimport;

TEST_CASE("while the import service is away, the journal tells where a job stands", "[gateway]") {
  ManualClock clock;
  MemoryMetadataStore metadata(clock);
  FakeImportService imports(metadata);
  JournalProgress progress(imports, metadata);
  ImportRequest request;
  request.folder_url = "https://drive.google.com/drive/folders/abc";
  const JobId job = progress.submit({}, request).value().job.id;
  imports.set_speed(12.5, 3);
  CHECK(progress.progress({}, job).value().images_per_second == 12.5);

  imports.fail_progress(Error(ErrorCode::kUnavailable, "away"));
  const ImportProgress written = progress.progress({}, job).value();
  CHECK(written.job.id == job);
  CHECK(written.images_per_second == 0);
  CHECK_FALSE(written.eta_seconds.has_value());
  CHECK(progress.progress({}, JobId("none")).error().code() == ErrorCode::kNotFound);

  // It was the journal that did not answer: it is not asked again.
  imports.fail_progress(Error(ErrorCode::kUnavailable, "no database").with_reason("database_unavailable"));
  CHECK(progress.progress({}, job).error().message() == "no database");

  imports.fail_progress(Error(ErrorCode::kInternal, "broken"));
  CHECK(progress.progress({}, job).error().message() == "broken");
}
