#include "metadata/sql/image_index.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace imgimport::sql {
namespace {

constexpr std::int64_t kStep = 1000;

using LabelIds = std::map<Label, std::int64_t>;

std::vector<Label> sorted_labels(const std::optional<Findable>& image) {
  if (!image) return {};
  std::vector<Label> labels = labels_of(*image);
  std::sort(labels.begin(), labels.end());
  return labels;
}

// What an image gains and loses.
struct Move {
  const IndexChange* change = nullptr;
  std::vector<Label> gained;
  std::vector<Label> lost;
};

std::vector<Move> moves_of(std::span<const IndexChange> changes) {
  std::vector<Move> moves;
  for (const IndexChange& change : changes) {
    const auto from = sorted_labels(change.from);
    const auto to = sorted_labels(change.to);
    Move& move = moves.emplace_back();
    move.change = &change;
    std::set_difference(to.begin(), to.end(), from.begin(), from.end(), std::back_inserter(move.gained));
    std::set_difference(from.begin(), from.end(), to.begin(), to.end(), std::back_inserter(move.lost));
  }
  return moves;
}

LabelIds find_labels(const Work& work, const std::set<Label>& labels) {
  LabelIds ids;
  JsonRows rows;
  for (const Label& label : labels) rows.row().add("kind", static_cast<int>(label.kind)).add("name", label.name);
  if (rows.empty()) return ids;
  for (const Row row : work.select(work.dialect.find_labels, {{"rows", rows.take()}})) {
    ids[{static_cast<LabelKind>(row.integer("kind")), row.text("name")}] = row.integer("id");
  }
  return ids;
}

// A folder sorts behind those above it: what is above one has its id already.
void add_labels(const Work& work, const std::vector<Label>& labels, LabelIds& ids) {
  if (labels.empty()) return;
  const auto count = static_cast<std::int64_t>(labels.size());
  std::int64_t id = work.integer(work.dialect.take_labels, {{"count", count}}).value_or(0) - count;
  JsonRows rows;
  for (const Label& label : labels) {
    std::int64_t parent = parent_of_kind(label.kind);
    if (label.kind == LabelKind::kFolder) {
      const auto above = ids.find({LabelKind::kFolder, std::string(parent_folder(label.name))});
      if (above != ids.end()) parent = above->second;
    }
    rows.row()
        .add("id", ++id)
        .add("kind", static_cast<int>(label.kind))
        .add("parent", parent)
        .add("name", label.name)
        .add("sort", sort_key(label));
    ids.emplace(label, id);
  }
  work.run_rows(work.dialect.insert_labels, rows);
}

LabelIds label_ids(const Work& work, const std::vector<Move>& moves) {
  std::set<Label> wanted;
  for (const Move& move : moves) {
    wanted.insert(move.gained.begin(), move.gained.end());
    wanted.insert(move.lost.begin(), move.lost.end());
    for (const Label& label : move.gained) {
      if (label.kind != LabelKind::kFolder) continue;
      if (const auto above = parent_folder(label.name); !above.empty()) {
        wanted.insert({LabelKind::kFolder, std::string(above)});
      }
    }
  }
  LabelIds ids = find_labels(work, wanted);
  std::vector<Label> missing;
  std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(missing),
               [&](const Label& label) { return !ids.contains(label); });
  add_labels(work, missing, ids);
  return ids;
}

void move_blocks(const Work& work, std::span<const IndexChange> changes) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> blocks;
  for (const IndexChange& change : changes) {
    const int delta = static_cast<int>(change.to.has_value()) - static_cast<int>(change.from.has_value());
    if (delta != 0) blocks[{change.place, change.image / kBlockSize}] += delta;
  }
  JsonRows rows;
  for (const auto& [block, images] : blocks) {
    rows.row().add("place", block.first).add("block", block.second).add("images", images);
  }
  if (rows.empty()) return;
  const std::string document = rows.take();
  work.run(work.dialect.insert_blocks, {{"rows", document}});
  work.run(work.dialect.move_blocks, {{"rows", document}});
}

}  // namespace

void lock_index(const Work& work) {
  work.integer(work.dialect.take_images, {{"count", 0}});
}

void index_images(const Work& work, std::span<const IndexChange> changes) {
  const auto moves = moves_of(changes);
  const LabelIds ids = label_ids(work, moves);
  JsonRows gained;
  JsonRows lost;
  std::map<std::int64_t, std::int64_t> counts;
  for (const Move& move : moves) {
    for (const Label& label : move.gained) {
      const std::int64_t id = ids.at(label);
      gained.row().add("label", id).add("image", move.change->image);
      ++counts[id];
    }
    for (const Label& label : move.lost) {
      const std::int64_t id = ids.at(label);
      lost.row().add("label", id).add("image", move.change->image);
      --counts[id];
    }
  }
  JsonRows labels;
  for (const auto& [id, images] : counts) {
    if (images != 0) labels.row().add("id", id).add("images", images);
  }
  work.run_rows(work.dialect.unlink_labels, lost);
  work.run_rows(work.dialect.link_labels, gained);
  work.run_rows(work.dialect.move_labels, labels);
  move_blocks(work, changes);
}

void index_all_images(const Work& work) {
  lock_index(work);
  std::int64_t after = 0;
  while (true) {
    std::vector<IndexChange> changes;
    for (const Row row : work.select(work.dialect.images_to_index, {{"after", after}, {"limit", kStep}})) {
      after = row.integer("id");
      changes.push_back({row.integer("place"), after, std::nullopt, findable(row, "")});
    }
    if (changes.empty()) return;
    index_images(work, changes);
  }
}

Findable findable(const Row& row, std::string_view prefix) {
  const auto text = [&](std::string_view name) { return row.text(std::string(prefix).append(name)); };
  return {"", text("folder_path"), text("camera"), text("taken_at")};
}

}  // namespace imgimport::sql
