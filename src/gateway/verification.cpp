#include "gateway/verification.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "base/text.hpp"
#include "base/thread_pool.hpp"

namespace imgimport {
namespace {

// A record that changes as often as this while it is looked at is another run's affair.
constexpr int kLooksAtARecord = 3;

// Of the items that a run has made failed; found again by them.
constexpr std::string_view kMissing = "object_missing";
constexpr std::string_view kDiffers = "object_differs";
constexpr std::string_view kRemedy =
    "Retry the job, or run the same import again: the image is taken from Drive again and stored afresh.";

// Waits, unless the context ends it.
Result<void> pause(const CallContext& context, std::chrono::milliseconds wait) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  const auto until = std::min(context.deadline, std::chrono::steady_clock::now() + wait);
  never.wait_until(lock, context.stop, until, [] { return false; });
  return context.check();
}

// Reading is safe to repeat, and so is writing damage down.
template <class Call>
std::invoke_result_t<Call> patiently(const CallContext& context, const VerificationOptions& options, Call&& call) {
  for (std::int32_t tries = 1;; ++tries) {
    auto result = call();
    if (result.has_value() || !result.error().is_transient() || tries >= options.tries) return result;
    const auto wait = backoff_delay(options.backoff, tries - 1, random_jitter(), result.error().retry_after());
    IMGIMPORT_RETURN_IF_ERROR(pause(context, wait));
  }
}

// What the store said of a key; nullopt: there is no such object.
using Seen = std::optional<ObjectInfo>;

Result<Seen> look_at(const CallContext& context, ObjectStore& objects, const VerificationOptions& options,
                     const ObjectKey& key) {
  auto info = patiently(context, options, [&] { return objects.inspect(context, key); });
  if (info.has_value()) return Seen(*std::move(info));
  if (info.error().code() == ErrorCode::kNotFound) return Seen();
  return std::move(info).error().with_context("look at object " + key.value());
}

// The keys of one page, and the threads that look at them.
class Glances {
 public:
  Glances(const CallContext& context, ObjectStore& objects, const VerificationOptions& options)
      : context_(context), objects_(objects), options_(options) {}

  void add(const ObjectKey& key) {
    if (seen_.try_emplace(key).second) keys_.push_back(key);
  }

  // Returns when all has been looked at, or trouble has ended it: what was seen before that is good.
  void look(ThreadPool& pool) {
    std::unique_lock lock(mutex_);
    working_ = std::min(pool.size(), keys_.size());
    for (std::size_t i = 0; i < working_; ++i) pool.post([this] { work(); });
    ended_.wait(lock, [this] { return working_ == 0; });
  }

  // nullptr: not looked at.
  const Seen* find(const ObjectKey& key) const {
    const auto entry = seen_.find(key);
    return entry == seen_.end() || !entry->second ? nullptr : &*entry->second;
  }
  const std::optional<Error>& trouble() const { return trouble_; }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (next_ < keys_.size() && !trouble_) {
      const ObjectKey& key = keys_[next_++];
      lock.unlock();
      auto seen = look_at(context_, objects_, options_, key);
      lock.lock();
      if (seen.has_value()) {
        seen_[key] = *std::move(seen);
      } else if (!trouble_) {
        trouble_ = std::move(seen).error();
      }
    }
    if (--working_ == 0) ended_.notify_all();
  }

  const CallContext& context_;
  ObjectStore& objects_;
  const VerificationOptions& options_;
  std::vector<ObjectKey> keys_;  // const while threads work

  std::mutex mutex_;  // guards the rest while threads work
  std::condition_variable ended_;
  std::unordered_map<ObjectKey, std::optional<Seen>> seen_;
  std::optional<Error> trouble_;
  std::size_t next_ = 0;
  std::size_t working_ = 0;
};

enum class Verdict : std::uint8_t { kOk = 1, kMissing, kDifferent, kUnverifiable };

struct Compared {
  Verdict verdict = Verdict::kMissing;
  std::string expected_hash;
  std::string found_hash;
};

Compared compare(const Image& image, const Seen& seen) {
  if (!seen) return {};
  struct Pair {
    const char* name;
    const std::string& expected;
    const std::string& found;
  };
  Compared compared{Verdict::kUnverifiable, {}, {}};
  const ContentHashes& hashes = seen->hashes;
  // The strongest that both sides know; equal bytes may come under another ETag, so that it counts for want of a hash.
  for (const Pair& pair : {Pair{"sha256:", image.hashes.sha256, hashes.sha256},
                           Pair{"md5:", image.hashes.md5, hashes.md5}, Pair{"etag:", image.etag, seen->etag}}) {
    if (pair.expected.empty() || pair.found.empty()) continue;
    compared.verdict = equals_ignore_case(pair.expected, pair.found) ? Verdict::kOk : Verdict::kDifferent;
    compared.expected_hash = pair.name + pair.expected;
    compared.found_hash = pair.name + pair.found;
    break;
  }
  if (seen->size_bytes != image.size_bytes) compared.verdict = Verdict::kDifferent;
  return compared;
}

bool is_same_object(const Image& a, const Image& b) {
  return a.key == b.key && a.size_bytes == b.size_bytes && a.etag == b.etag && a.hashes == b.hashes;
}

class Run {
 public:
  Run(const CallContext& context, const Verification::Parts& parts, const VerificationOptions& options, const Job& job,
      StorePlace here)
      : context_(context),
        parts_(parts),
        here_(std::move(here)),
        options_(options),
        total_(job.counters.processed()),
        pool_("verify", std::max<std::size_t>(options.threads, 1)) {
    report_.job = job.id;
  }

  VerificationReport go(const Verification::OnProgress& on_progress) {
    // First, since the damage found below joins it.
    auto checked = recall_damage();
    if (checked.has_value()) checked = check_objects(on_progress);
    if (!checked.has_value()) end_early(checked.error());
    return std::move(report_);
  }

 private:
  using JobImage = ImageStore::JobImage;

  // What earlier runs found, and no retry has mended.
  Result<void> recall_damage() {
    ItemId after(0);
    for (;;) {
      IMGIMPORT_ASSIGN_OR_RETURN(
          const auto page, patiently(context_, options_, [&] {
            return parts_.jobs.items(context_, {report_.job, ItemState::kFailed, after, options_.page_size});
          }));
      for (const Item& item : page) {
        if (item.reason == kMissing || item.reason == kDiffers) recall(item);
      }
      if (page.size() < options_.page_size) return {};
      after = page.back().id;
    }
  }

  void recall(const Item& item) {
    const bool missing = item.reason == kMissing;
    VerificationFinding finding;
    finding.item = item.id;
    finding.name = item.name;
    finding.folder_path = item.folder_path;
    finding.expected_size = item.size;
    list(missing, std::move(finding));
    count(missing ? Verdict::kMissing : Verdict::kDifferent);
    ++report_.failed_items;
    ++total_;
  }

  Result<void> check_objects(const Verification::OnProgress& on_progress) {
    ItemId after(0);
    for (;;) {
      IMGIMPORT_ASSIGN_OR_RETURN(const auto page, patiently(context_, options_, [&] {
                                   return parts_.images.job_images(context_, report_.job, after, options_.page_size);
                                 }));
      IMGIMPORT_RETURN_IF_ERROR(check_page(page));
      if (page.empty()) return {};
      after = page.back().item;
      if (on_progress) on_progress(report_, total_);
    }
  }

  void end_early(const Error& error) {
    report_.not_checked = std::max<std::int64_t>(0, total_ - report_.checked - report_.elsewhere);
    Error trouble(error.code(), fmt::format("the verification ended after {} of {} objects: {}", report_.checked,
                                            report_.checked + report_.not_checked, error.message()));
    report_.trouble = std::move(trouble).with_reason(std::string(error.reason_or_code())).with_remedy(error.remedy());
  }

  bool is_here(const Image& image) const {
    return image.place.provider == here_.provider && image.place.bucket == here_.bucket;
  }

  // What was found before trouble came is written down all the same.
  Result<void> check_page(const std::vector<JobImage>& page) {
    IMGIMPORT_RETURN_IF_ERROR(context_.check());
    Glances glances(context_, parts_.objects, options_);
    for (const JobImage& entry : page) {
      if (is_here(entry.image)) glances.add(entry.image.key);
    }
    glances.look(pool_);
    std::optional<Error> trouble = glances.trouble();
    for (const JobImage& entry : page) {
      if (!is_here(entry.image)) {
        ++report_.elsewhere;
      } else if (const Seen* seen = glances.find(entry.image.key)) {
        const auto judged = judge(entry, *seen);
        if (!judged.has_value() && !trouble) trouble = judged.error();
      }
    }
    const auto written = write_damage();
    if (trouble) return *std::move(trouble);
    return written;
  }

  // A record that was deleted or replaced after it was read is no damage: before that is said, it is read once more.
  Result<void> judge(const JobImage& entry, const Seen& first_seen) {
    Image image = entry.image;
    Seen seen = first_seen;
    for (int look = 1;; ++look) {
      const Compared compared = compare(image, seen);
      const bool sound = compared.verdict == Verdict::kOk || compared.verdict == Verdict::kUnverifiable;
      if (sound) {
        count(compared.verdict);
        return {};
      }
      const auto now = patiently(context_, options_, [&] { return parts_.images.image(context_, entry.image.id); });
      if (!now.has_value() && now.error().code() == ErrorCode::kNotFound) return {};
      IMGIMPORT_RETURN_IF_ERROR(now);
      if (is_same_object(*now, image) || look == kLooksAtARecord) {
        report(entry.item, image, seen, compared);
        count(compared.verdict);
        return {};
      }
      image = *now;
      IMGIMPORT_ASSIGN_OR_RETURN(seen, look_at(context_, parts_.objects, options_, image.key));
    }
  }

  void count(Verdict verdict) {
    ++report_.checked;
    report_.ok += verdict == Verdict::kOk;
    report_.missing_count += verdict == Verdict::kMissing;
    report_.different_count += verdict == Verdict::kDifferent;
    report_.unverifiable_count += verdict == Verdict::kUnverifiable;
  }

  void report(ItemId item, const Image& image, const Seen& seen, const Compared& compared) {
    const bool missing = compared.verdict == Verdict::kMissing;
    damages_.push_back({.item = item,
                        .image = image.id,
                        .key = image.key,
                        .reason = std::string(missing ? kMissing : kDiffers),
                        .remedy = std::string(kRemedy)});
    VerificationFinding finding;
    finding.item = item;
    finding.image = image.id;
    finding.name = image.name;
    finding.folder_path = image.folder_path;
    finding.key = image.key;
    finding.expected_size = image.size_bytes;
    if (seen) finding.found_size = seen->size_bytes;
    finding.expected_hash = compared.expected_hash;
    finding.found_hash = compared.found_hash;
    if (missing && !image.hashes.sha256.empty()) finding.expected_hash = "sha256:" + image.hashes.sha256;
    list(missing, std::move(finding));
  }

  void list(bool missing, VerificationFinding finding) {
    auto& findings = missing ? report_.missing : report_.different;
    if (findings.size() < options_.findings_kept) findings.push_back(std::move(finding));
  }

  Result<void> write_damage() {
    if (damages_.empty()) return {};
    // Also when the run has been told to end: what is known shall be written down.
    CallContext writing = context_;
    writing.stop = {};
    const auto failed =
        patiently(writing, options_, [&] { return parts_.jobs.report_damage(writing, report_.job, damages_); });
    damages_.clear();
    IMGIMPORT_RETURN_IF_ERROR(failed);
    report_.failed_items += *failed;
    return {};
  }

  const CallContext& context_;
  const Verification::Parts& parts_;
  const StorePlace here_;
  const VerificationOptions& options_;
  std::int64_t total_;  // items to check or to recall, as far as is known
  ThreadPool pool_;
  VerificationReport report_;
  std::vector<JobStore::Damage> damages_;  // of the page under way
};

}  // namespace

Result<Job> Verification::check_job(const CallContext& context, const JobId& id) const {
  IMGIMPORT_ASSIGN_OR_RETURN(Job job, parts_.jobs.job(context, id));
  if (!job.dry_run) return job;
  return Error(ErrorCode::kConflict, "The job was a dry run: it has stored nothing that could be verified")
      .with_reason("dry_run")
      .with_remedy("Import the folder without dry_run, and verify that job.");
}

Result<VerificationReport> Verification::run(const CallContext& context, const JobId& id,
                                             const OnProgress& on_progress) const {
  IMGIMPORT_ASSIGN_OR_RETURN(const Job job, check_job(context, id));
  IMGIMPORT_ASSIGN_OR_RETURN(StorePlace here,
                             patiently(context, options_, [&] { return parts_.objects.place(context); }));
  return Run(context, parts_, options_, job, std::move(here)).go(on_progress);
}

}  // namespace imgimport
