// One transaction's worth of outcomes: decides on each in its order, gathers what is to be written, and writes that by
// few statements for all.
//
// What the decisions need is read for all outcomes at once. Should an outcome touch what an earlier one of the same
// group is about to write (the same item twice, a copy of a picture that is replaced in the same breath), what was
// gathered is written first, and the rest is read anew: so the result is that of doing one after the other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "imgimport/job.hpp"
#include "metadata/sql/garbage.hpp"
#include "metadata/sql/image_index.hpp"
#include "metadata/sql/session_work.hpp"
#include "metadata/sql/tally.hpp"

namespace imgimport::sql {

class Committer {
 public:
  // REQUIRES: the jobs are locked, and so is the place
  Committer(const Work& work, PlaceRow place, std::vector<JobState> jobs, std::span<const Outcome> outcomes);
  std::vector<CommitEffect> run();

 private:
  struct OwnRecord {
    std::int64_t id = 0;
    ObjectKey key;
    bool going = false;
    std::int64_t size = 0;
    Findable found;
  };
  // What is known of an outcome's item, and of the key that was uploaded to.
  struct Facts {
    std::int64_t job = 0;
    ItemState state = ItemState::kPending;
    std::optional<std::int64_t> batch;
    std::string drive_id;
    std::optional<OwnRecord> own;
    std::optional<GarbageEntry> garbage;
    bool key_shared = false;  // another record may have the uploaded key
    bool key_going = false;   // one that has it is being deleted, and takes the object with it
    Findable found;           // by what its record is found, once it has one
  };
  struct Target {
    ObjectKey key;
    bool live = false;
    std::int64_t size = 0;
    std::string drive_id;
    Findable found;
  };
  // A record to be inserted (image empty) or updated.
  struct RecordWrite {
    std::size_t outcome = 0;
    std::optional<std::int64_t> image;
    std::size_t fresh = 0;  // which of the new ones
    bool key_shared = false;
  };
  // What a record is found by; `image` empty: the fresh one.
  struct IndexWrite {
    std::optional<std::int64_t> image;
    std::size_t fresh = 0;
    std::optional<Findable> from;
    Findable to;
  };
  struct ItemWrite {
    std::size_t outcome = 0;
    std::optional<std::int64_t> image;
    std::optional<std::size_t> fresh;  // the record is that new one
  };

  void load(std::size_t first);
  bool claim_resources(std::size_t index);
  CommitEffect apply(std::size_t index);
  CommitEffect store(std::size_t index, const Facts& facts);
  CommitEffect keep(std::size_t index, const Facts& facts);
  CommitEffect put_off(std::size_t index, const Facts& facts);
  CommitEffect refuse(std::size_t index, const Facts& facts);
  void discard(const ObjectKey& uploaded, const Facts& facts, Discard why);
  CommitEffect requeue(std::size_t index, const Facts& facts, std::chrono::milliseconds pause);
  void finish_item(const ItemWrite& write, const Facts& facts);
  void flush();
  void write_stored(std::int64_t first_image);
  void write_shared(std::int64_t first_image);
  void write_items(std::int64_t first_image);
  void write_index(std::int64_t first_image);
  void write_garbage();

  const Work& work_;
  const PlaceRow place_;
  const std::span<const Outcome> outcomes_;
  std::map<std::string, JobState> jobs_;  // by uuid
  std::map<std::size_t, Facts> facts_;    // by outcome; of those not loaded or not there: nothing
  std::map<std::int64_t, Target> targets_;

  // Gathered since the last flush. Resources are items, records, Drive ids and keys, told apart by a letter.
  std::set<std::string> written_;
  std::set<std::string> relied_on_;
  std::vector<RecordWrite> stored_;
  std::vector<RecordWrite> shared_;
  std::vector<ItemWrite> items_;
  std::vector<IndexWrite> index_;
  JsonRows skipped_;
  JsonRows requeued_;
  JsonRows to_share_;
  std::set<ObjectKey> off_list_;
  std::set<ObjectKey> undamaged_;
  std::map<Discard, std::set<ObjectKey>> discarded_;
  std::size_t fresh_ = 0;  // new records

  // Of the whole group.
  std::map<std::int64_t, Tally> tallies_;  // by job row
  std::vector<std::pair<std::int64_t, JobTrouble>> stops_;
  std::int64_t new_images_ = 0;
  std::int64_t new_bytes_ = 0;
};

}  // namespace imgimport::sql
