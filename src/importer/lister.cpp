#include "importer/lister.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "base/backoff.hpp"
#include "base/log.hpp"
#include "base/sentence.hpp"
#include "importer/candidates.hpp"

namespace imgimport {
namespace {

// Folders of one job kept in memory; the journal holds the rest.
constexpr std::size_t kMaxFrontier = 1'000;
// Drive has no more levels of folders, in a My Drive and in a shared drive ("File and folder limits" of
// https://developers.google.com/workspace/drive/api/guides/folder): only shortcuts lead deeper.
constexpr std::int32_t kMaxDepth = 100;

bool is_page_token_rejected(const Error& error) {
  return error.reason() == "page_token_rejected";
}

// Of a shortcut's target: the look-up must be made again, rather than the item be written down as broken.
bool spoils_the_page(const Error& error) {
  return error.is_transient() || error.stops_the_job() || error.code() == ErrorCode::kCancelled;
}

JobTrouble not_listed(const PendingFolder& folder, const std::string& why, std::string remedy) {
  return {"folder_not_listed", fmt::format("The folder \"{}\" was left out: {}", folder.path, why), std::move(remedy)};
}

std::string join_path(const std::string& parent, const std::string& name) {
  return parent.empty() ? name : parent + "/" + name;
}

}  // namespace

struct Lister::Walk {
  Job job;
  JobLease lease;
  std::stop_source stop;
  std::mutex mutex;
  std::deque<Visit> frontier;             // guarded by mutex
  std::vector<Visit> delayed;             // guarded by mutex
  std::unordered_set<DriveId> in_memory;  // guarded by mutex: folders in frontier, delayed or under way
  std::size_t under_way = 0;              // guarded by mutex
  bool loading = false;                   // guarded by mutex: the journal is being asked for more folders
  std::optional<JobTrouble> hindrance;    // guarded by mutex: of the last page asked for, if it has to be asked again
  bool root_verified = false;             // used by the one visit of the root
  FolderRef root;

  CallContext context() const {
    CallContext context;
    context.stop = stop.get_token();
    return context;
  }
};

Lister::Lister(const ListerOptions& options, const ListerPorts& ports, std::function<void()> changed)
    : options_(options), ports_(ports), changed_(std::move(changed)), pool_("listing", options.threads) {}

Lister::~Lister() {
  stop();
}

void Lister::begin(const Job& job, const JobLease& lease) {
  {
    const std::scoped_lock lock(mutex_);
    if (walks_.contains(job.id)) return;
  }
  auto walk = std::make_shared<Walk>();
  walk->job = job;
  walk->lease = lease;
  walk->root = job.root;
  walk->root_verified = !job.root.name.empty();
  walk->loading = true;
  {
    const std::scoped_lock lock(mutex_);
    if (!walks_.try_emplace(job.id, walk).second) return;
  }
  pool_.post([this, walk] { load_frontier(walk); });
}

void Lister::abandon(const JobId& job) {
  const std::scoped_lock lock(mutex_);
  const auto found = walks_.find(job);
  if (found == walks_.end()) return;
  found->second->stop.request_stop();
  walks_.erase(found);
}

std::optional<JobTrouble> Lister::hindrance(const JobId& job) {
  std::shared_ptr<Walk> walk;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = walks_.find(job);
    if (found == walks_.end()) return std::nullopt;
    walk = found->second;
  }
  const std::scoped_lock lock(walk->mutex);
  return walk->hindrance;
}

void Lister::tick() {
  std::vector<std::shared_ptr<Walk>> walks;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, walk] : walks_) walks.push_back(walk);
  }
  const auto now = ports_.clock.steady_now();
  for (const auto& walk : walks) {
    bool due = false;
    {
      const std::scoped_lock lock(walk->mutex);
      const auto waits = [&](const Visit& visit) { return visit.due > now; };
      const auto first_due = std::partition(walk->delayed.begin(), walk->delayed.end(), waits);
      due = first_due != walk->delayed.end();
      std::move(first_due, walk->delayed.end(), std::back_inserter(walk->frontier));
      walk->delayed.erase(first_due, walk->delayed.end());
    }
    if (due) pump(walk);
  }
}

void Lister::stop() {
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, walk] : walks_) walk->stop.request_stop();
    walks_.clear();
  }
  pool_.stop();
}

// Starts as many visits as there are threads; when the walk's memory is empty, asks the journal for more folders.
void Lister::pump(const std::shared_ptr<Walk>& walk) {
  if (walk->stop.stop_requested()) return;
  bool load = false;
  {
    const std::scoped_lock lock(walk->mutex);
    while (!walk->frontier.empty() && walk->under_way < options_.threads) {
      Visit next = std::move(walk->frontier.front());
      walk->frontier.pop_front();
      ++walk->under_way;
      pool_.post([this, walk, next = std::move(next)]() mutable { visit(walk, std::move(next)); });
    }
    load = walk->frontier.empty() && walk->under_way == 0 && walk->delayed.empty() && !walk->loading;
    if (load) walk->loading = true;
  }
  if (load) pool_.post([this, walk] { load_frontier(walk); });
}

void Lister::load_frontier(const std::shared_ptr<Walk>& walk) {
  const auto folders = ports_.journal.pending_folders(walk->context(), walk->job.id, kMaxFrontier);
  if (folders.has_value() && folders->empty()) return finish(walk);
  if (!folders.has_value()) {
    // The journal is away for a moment: an empty visit put off brings us here again.
    log_warning("the journal cannot be read; trying again",
                {{"job", walk->job.id.value()}, {"error", folders.error().message()}});
    const std::scoped_lock lock(walk->mutex);
    walk->loading = false;
    Visit again;
    again.due = ports_.clock.steady_now() + options_.retry_base;
    walk->delayed.push_back(std::move(again));
    return;
  }
  {
    const std::scoped_lock lock(walk->mutex);
    walk->loading = false;
    for (const PendingFolder& folder : *folders) {
      if (!walk->in_memory.insert(folder.folder.id).second) continue;
      Visit visit;
      visit.folder = folder;
      walk->frontier.push_back(std::move(visit));
    }
  }
  pump(walk);
}

void Lister::visit(const std::shared_ptr<Walk>& walk, Visit visit) {
  const DriveId id = visit.folder.folder.id;
  auto listed = id.value().empty() ? Result<void>{} : list_page(*walk, visit);
  const bool more = listed.has_value() && !id.value().empty() && !visit.folder.page_token.empty();
  if (!listed.has_value()) {
    failed(walk, std::move(visit), std::move(listed).error());
  } else {
    const std::scoped_lock lock(walk->mutex);
    --walk->under_way;
    if (!id.value().empty()) walk->hindrance.reset();
    if (more) {
      visit.known_targets.clear();
      // One that begins again and again, at the same page, gets no further.
      if (++visit.page > visit.furthest) {
        visit.furthest = visit.page;
        visit.tries = 0;
      }
      walk->frontier.push_front(std::move(visit));
    } else {
      walk->in_memory.erase(id);
    }
  }
  pump(walk);
  changed_();
}

// Lists one page and writes it down; `visit` then holds the next page's token, empty after the last page. An exception
// is an error like others: a visit that nobody ends would keep its job listing for ever.
Result<void> Lister::list_page(Walk& walk, Visit& visit) try {
  const CallContext context = walk.context();
  if (visit.folder.depth == 0 && !walk.root_verified) IMGIMPORT_RETURN_IF_ERROR(verify_root(walk, visit));
  IMGIMPORT_ASSIGN_OR_RETURN(SourcePage found, ask_for_page(walk, visit));
  ListedPage page;
  page.folder = visit.folder.folder.id;
  page.next_page_token = found.next_page_token;
  page.items.reserve(found.entries.size());
  IMGIMPORT_ASSIGN_OR_RETURN(std::vector<Target> targets, look_up_targets(walk, visit, found.entries));
  auto target = targets.begin();
  std::vector<JobTrouble> warnings;
  for (SourceEntry& entry : found.entries) {
    if (entry.kind == EntryKind::kFileShortcut) {
      add_target(walk, visit, std::move(entry), std::move(*target++), page);
    } else if (auto warning = add_entry(walk, visit, std::move(entry), page)) {
      warnings.push_back(*std::move(warning));
    }
  }
  if (found.incomplete) {
    warnings.push_back({"incomplete_search", "Google Drive says that it did not search everything",
                        "Import the folder again later: what has arrived is skipped, what was missing is added"});
  }
  // Ahead of the page: one that is written down is not asked for again. The same warning twice counts once.
  for (const JobTrouble& warning : warnings) {
    IMGIMPORT_RETURN_IF_ERROR(ports_.journal.warn_job(context, walk.lease, warning));
  }
  IMGIMPORT_ASSIGN_OR_RETURN(Journal::Added added,
                             ports_.journal.add_page(context, walk.lease, page, options_.batch_size));
  visit.folder.page_token = found.next_page_token.value_or("");
  const std::scoped_lock lock(walk.mutex);
  for (PendingFolder& child : added.folders) {
    if (walk.frontier.size() >= kMaxFrontier) break;  // the journal has them
    if (!walk.in_memory.insert(child.folder.id).second) continue;
    Visit next;
    next.folder = std::move(child);
    walk.frontier.push_back(std::move(next));
  }
  return {};
} catch (const std::bad_alloc&) {
  return Error(ErrorCode::kUnavailable, "there was not enough memory to list a folder").with_reason("out_of_memory");
} catch (const std::exception& failure) {
  return Error(ErrorCode::kInternal, std::string("listing a folder broke off: ") + failure.what());
}

Result<FolderRef> Lister::look_at(const CallContext& context, const FolderRef& folder) {
  IMGIMPORT_RETURN_IF_ERROR(ports_.source_budget.acquire(context, ports_.source.costs().look_up));
  return ports_.source.root(context, folder);
}

// A folder that is gone, or closed to us, lists as an empty one (a shortcut may lead to such), and so may one in a
// shared drive that was not named: asking for it tells.
Result<SourcePage> Lister::ask_for_page(const Walk& walk, Visit& visit) {
  const CallContext context = walk.context();
  PendingFolder& pending = visit.folder;
  // The root's row keeps the id it was written under; what is listed is what that turned out to be.
  const FolderRef& folder = pending.depth == 0 ? walk.root : pending.folder;
  const auto list = [&]() -> Result<SourcePage> {
    IMGIMPORT_RETURN_IF_ERROR(ports_.source_budget.acquire(context, ports_.source.costs().list));
    return ports_.source.list(context, folder, pending.page_token);
  };
  IMGIMPORT_ASSIGN_OR_RETURN(SourcePage found, list());
  const bool is_whole_and_empty = pending.page_token.empty() && found.entries.empty() && !found.next_page_token;
  if (!is_whole_and_empty || pending.depth == 0) return found;
  IMGIMPORT_ASSIGN_OR_RETURN(FolderRef seen, look_at(context, folder));
  if (seen.shared_drive.value().empty() || seen.shared_drive == folder.shared_drive) return found;
  pending.folder.shared_drive = std::move(seen.shared_drive);
  return list();
}

// Where the source was away when the job was accepted, its root has not been looked at yet.
Result<void> Lister::verify_root(Walk& walk, Visit& visit) {
  IMGIMPORT_ASSIGN_OR_RETURN(walk.root, look_at(walk.context(), visit.folder.folder));
  walk.root_verified = true;
  return {};
}

// The targets of the page's file shortcuts, in their order: one request each, several at a time. Where one look-up must
// be made again, and the page with it, the others' targets stay with the visit.
Result<std::vector<Lister::Target>> Lister::look_up_targets(const Walk& walk, Visit& visit,
                                                            const std::vector<SourceEntry>& entries) {
  std::vector<const FileRef*> shortcuts;
  for (const SourceEntry& entry : entries) {
    if (entry.kind == EntryKind::kFileShortcut) shortcuts.push_back(&entry.target);
  }
  std::vector<Target> targets(shortcuts.size());
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < shortcuts.size(); ++i) {
    const auto known = visit.known_targets.find(shortcuts[i]->id);
    if (known == visit.known_targets.end()) {
      missing.push_back(i);
    } else {
      targets[i] = known->second;
    }
  }
  std::mutex mutex;
  std::optional<Error> spoiled;  // guarded by mutex
  pool_.share_out(missing.size(), [&](std::size_t n) {
    const std::size_t i = missing[n];
    {
      const std::scoped_lock lock(mutex);
      if (spoiled) return;
    }
    const CallContext context = walk.context();
    auto units = ports_.source_budget.acquire(context, ports_.source.costs().look_up);
    auto target = units.has_value() ? ports_.source.look_up(context, *shortcuts[i])
                                    : Result<SourceFile>(std::move(units).error());
    if (target.has_value()) {
      targets[i].file = *std::move(target);
      return;
    }
    const std::scoped_lock lock(mutex);
    if (!spoils_the_page(target.error())) {
      targets[i].trouble = std::move(target).error();
    } else if (!spoiled) {
      spoiled = std::move(target).error();
    }
  });
  if (!spoiled) return targets;
  visit.known_targets.clear();
  for (std::size_t i = 0; i < shortcuts.size(); ++i) {
    const bool known = targets[i].file || targets[i].trouble;
    if (known) visit.known_targets.emplace(shortcuts[i]->id, std::move(targets[i]));
  }
  return *std::move(spoiled);
}

void Lister::add_target(const Walk& walk, const Visit& visit, SourceEntry shortcut, Target target, ListedPage& page) {
  const std::string& path = visit.folder.path;
  if (target.file && target.file->trashed) {
    target.trouble = Error(ErrorCode::kNotFound, "the shortcut's target is in the trash");
  }
  page.items.push_back(target.trouble
                           ? make_broken_shortcut(std::move(shortcut.file), path, *target.trouble)
                           : make_item(*std::move(target.file), path, walk.job.filters, options_.key_prefix));
}

std::optional<JobTrouble> Lister::add_entry(const Walk& walk, const Visit& visit, SourceEntry entry, ListedPage& page) {
  const std::string& path = visit.folder.path;
  if (entry.kind == EntryKind::kFile) {
    page.items.push_back(make_item(std::move(entry.file), path, walk.job.filters, options_.key_prefix));
    return std::nullopt;
  }
  if (!walk.job.recursive) return std::nullopt;
  PendingFolder folder;
  folder.path = join_path(path, entry.folder.name.empty() ? entry.file.name : entry.folder.name);
  folder.depth = visit.folder.depth + 1;
  folder.folder = std::move(entry.folder);
  if (folder.folder.id.value().empty()) {
    return not_listed(folder, "the shortcut leads nowhere",
                      "Delete the shortcut in Google Drive, or make a new one and import the folder again");
  }
  if (folder.depth > kMaxDepth) {
    return not_listed(folder, fmt::format("it lies more than {} folders deep", kMaxDepth), "Import it by its own link");
  }
  page.subfolders.push_back(std::move(folder));
  return std::nullopt;
}

void Lister::failed(const std::shared_ptr<Walk>& walk, Visit visit, const Error& error) {
  const auto now = ports_.clock.steady_now();
  const auto done_with = [&] {
    const std::scoped_lock lock(walk->mutex);
    --walk->under_way;
    walk->in_memory.erase(visit.folder.folder.id);
  };
  if (error.code() == ErrorCode::kRateLimited) ports_.source_budget.slow_down();
  if (error.code() == ErrorCode::kCancelled || walk->stop.stop_requested()) return done_with();
  if (is_page_token_rejected(error)) {
    const auto restarted = ports_.journal.restart_folder(walk->context(), walk->lease, visit.folder.folder.id);
    if (restarted.has_value()) {
      visit.folder.page_token.clear();
      visit.page = 0;
    }
  } else if (error.code() == ErrorCode::kConflict) {
    done_with();  // the lease is somebody else's, or the job was cancelled
    return forget(walk);
  } else if (!error.is_transient()) {
    const bool only_this_folder = visit.folder.depth > 0 && !error.stops_the_job();
    if (!only_this_folder) {
      done_with();
      return fail_job(walk, error);
    }
    if (leave_out(*walk, visit.folder, error)) return done_with();
  }
  if (visit.tries == 1) {
    log_warning("a folder cannot be listed; trying again", {{"job", walk->job.id.value()},
                                                            {"folder", visit.folder.path},
                                                            {"error", error.message()},
                                                            {"remedy", error.remedy()}});
  }
  if (visit.tries == 0) visit.retrying_since = now;
  if (now - visit.retrying_since >= options_.retry_for) {
    done_with();
    return fail_job(walk, error);
  }
  const BackoffPolicy backoff{.base_delay = options_.retry_base};
  visit.due = now + backoff_delay(backoff, visit.tries, random_jitter(), error.retry_after());
  ++visit.tries;
  const std::scoped_lock lock(walk->mutex);
  walk->hindrance = JobTrouble{std::string(error.reason_or_code()), error.message(),
                               sentences(error.remedy(), "It is tried again by itself")};
  --walk->under_way;
  walk->delayed.push_back(std::move(visit));
}

bool Lister::leave_out(const Walk& walk, const PendingFolder& folder, const Error& error) {
  ListedPage nothing;
  nothing.folder = folder.folder.id;
  nothing.left_out = not_listed(
      folder, error.message(),
      sentences(error.remedy(), "Then retry the job, or run the same import again: the folder is listed again"));
  log_warning("a folder is left out", {{"job", walk.job.id.value()},
                                       {"folder", folder.path},
                                       {"drive_id", folder.folder.id.value()},
                                       {"error", error.message()}});
  return ports_.journal.add_page(walk.context(), walk.lease, nothing, options_.batch_size).has_value();
}

void Lister::finish(const std::shared_ptr<Walk>& walk) {
  const auto finished = ports_.journal.finish_listing(walk->context(), walk->lease);
  if (!finished.has_value() && finished.error().is_transient()) {
    const std::scoped_lock lock(walk->mutex);
    walk->loading = false;
    Visit again;
    again.due = ports_.clock.steady_now() + options_.retry_base;
    walk->delayed.push_back(std::move(again));
    return;
  }
  forget(walk);
  changed_();
}

void Lister::fail_job(const std::shared_ptr<Walk>& walk, const Error& error) {
  const JobTrouble trouble{
      std::string(error.reason_or_code()), error.message(),
      error.is_transient() || is_page_token_rejected(error)
          ? sentences(error.remedy(), "Retry the job later, or run the same import again: it goes on where it was")
          : error.remedy()};
  log_warning("a job failed while its folders were listed",
              {{"job", walk->job.id.value()}, {"reason", trouble.reason}, {"error", trouble.message}});
  if (auto written = ports_.journal.fail_job(walk->context(), walk->lease, trouble); !written.has_value()) {
    log_warning("the job's failure could not be written down; its listing is taken up again later",
                {{"job", walk->job.id.value()}, {"error", written.error().message()}});
  }
  forget(walk);
  changed_();
}

void Lister::forget(const std::shared_ptr<Walk>& walk) {
  walk->stop.request_stop();
  const std::scoped_lock lock(mutex_);
  const auto found = walks_.find(walk->job.id);
  if (found != walks_.end() && found->second == walk) walks_.erase(found);
}

}  // namespace imgimport
