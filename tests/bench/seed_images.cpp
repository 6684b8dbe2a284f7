// Writes many image records into a data directory of a server that does not run: seed_images DATA_DIR COUNT PHOTO_DIR
// Some photographs of PHOTO_DIR become objects, which the records share, so that a gallery of any size can be looked at
// without importing it. It goes through the metadata store, as an import does: whatever the store keeps beside the
// records is right.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/random.hpp"
#include "base/system_clock.hpp"
#include "metadata/sqlite/store.hpp"

using namespace imgimport;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kPhotos = 200;
constexpr std::int64_t kPage = 1000;
const CallContext kCall;
const StorePlace kPlace{"local", "", ""};

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "seed_images: %s\n", message.c_str());
  std::exit(1);
}

template <class T>
T get(Result<T> result) {
  if (!result.has_value()) fail(result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Photo {
  ObjectKey key;
  std::uint64_t size = 0;
};

std::vector<Photo> store_photos(const std::filesystem::path& from, const std::filesystem::path& objects) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(from)) {
    if (entry.path().extension() == ".jpg") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Photo> photos;
  for (std::size_t i = 0; i < std::min(kPhotos, files.size()); ++i) {
    // Spread over the folder: neighbours in it look alike.
    const std::filesystem::path& file = files[i * files.size() / std::min(kPhotos, files.size())];
    const std::string key = fmt::format("seed-{}/v/photo.jpg", i);
    std::filesystem::create_directories((objects / key).parent_path());
    std::filesystem::copy_file(file, objects / key, std::filesystem::copy_options::overwrite_existing);
    photos.push_back({ObjectKey(key), std::filesystem::file_size(file)});
  }
  if (photos.empty()) fail("no .jpg is below " + from.string());
  return photos;
}

NewItem item_of(const std::vector<Photo>& photos, std::int64_t number) {
  const Photo& photo = photos[static_cast<std::size_t>(number * 7919) % photos.size()];
  NewItem item;
  item.file.id = DriveId(fmt::format("seeded-{}", number));
  item.file.name = fmt::format("IMG_{:06}.jpg", number);
  item.file.mime_type = "image/jpeg";
  item.file.size = photo.size;
  item.file.hashes.sha256 = random_token(32);
  item.file.image = {1200,
                     800,
                     fmt::format("20{:02}-{:02}-{:02}T10:00:00", 10 + number % 14, 1 + number % 12, 1 + number % 28),
                     fmt::format("Camera {}", number % 9),
                     std::nullopt,
                     std::nullopt};
  item.folder_path = fmt::format("{}/Album {:03}", 2010 + number % 14, number / 500);
  item.key = photo.key;
  return item;
}

void import_all(MetadataStore& store, const JobId& job, const std::vector<BatchId>& batches) {
  for (const BatchId batch : batches) {
    std::vector<Outcome> outcomes;
    for (const WorkItem& item : get(store.open_batch(kCall, {job, batch}, kPlace)).items) {
      Outcome& outcome = outcomes.emplace_back();
      outcome.job = job;
      outcome.item = item.id;
      outcome.state = ItemState::kImported;
      outcome.stored = StoredObject{item.key, *item.file.size, item.file.hashes, "image/jpeg", "", "", true};
    }
    get(store.commit(kCall, outcomes, kPlace));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) fail("usage: seed_images DATA_DIR COUNT PHOTO_DIR");
  const std::filesystem::path data(argv[1]);
  const std::int64_t count = std::atoll(argv[2]);
  const std::vector<Photo> photos = store_photos(argv[3], data / "objects");

  const SystemClock clock;
  SqliteOptions options;
  options.path = (data / "imgimport.db").string();
  options.durability = db::Durability::kCrash;
  const auto store = get(SqliteMetadataStore::open(options, clock));
  NewJob job;
  job.id = JobId(random_uuid());
  job.folder_url = "https://drive.google.com/drive/folders/seeded";
  job.root.id = DriveId("seeded");
  job.root.name = "Seeded";
  const auto created = get(store->create_job(kCall, job, "seed_images", 1h));
  const JobLease lease{created.job.id, created.job.epoch};
  for (std::int64_t from = 0; from < count; from += kPage) {
    ListedPage page{DriveId("seeded"), {}, {}, "more"};
    for (std::int64_t i = from; i < std::min(count, from + kPage); ++i) page.items.push_back(item_of(photos, i));
    get(store->add_page(kCall, lease, page, 100));
  }
  get(store->add_page(kCall, lease, {DriveId("seeded"), {}, {}, std::nullopt}, 100));
  get(store->finish_listing(kCall, lease));
  get(store->group_due(kCall, lease, clock.now(), 100, 1000));
  BatchId after(0);
  for (auto batches = get(store->ready_batches(kCall, lease, after, 200)); !batches.empty();
       batches = get(store->ready_batches(kCall, lease, after, 200))) {
    after = batches.back();
    import_all(*store, lease.job, batches);
  }
  const Job done = get(store->job(kCall, lease.job));
  if (done.counters.imported != count)
    fail(fmt::format("{} of {} records were written", done.counters.imported, count));
  std::printf("%lld records over %zu photographs\n", static_cast<long long>(count), photos.size());
  return 0;
}
