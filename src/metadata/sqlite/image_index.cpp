#include "metadata/sqlite/image_index.hpp"

namespace imgimport {
namespace {

// https://www.sqlite.org/fts5.html#external_content_tables: to forget a name, FTS5 must be told it.
constexpr db::Sql kAddName = "INSERT INTO image_names (rowid, name) VALUES (?1, ?2)";
constexpr db::Sql kRemoveName = "INSERT INTO image_names (image_names, rowid, name) VALUES ('delete', ?1, ?2)";

}  // namespace

void ImageIndex::add(std::int64_t place, std::int64_t image, const Findable& found) {
  ++blocks_[{place, image / kBlockSize}];
  connection_.query(kAddName).bind(image, found.name).run();
  link(image, found);
}

void ImageIndex::remove(std::int64_t place, std::int64_t image, const Findable& found) {
  --blocks_[{place, image / kBlockSize}];
  connection_.query(kRemoveName).bind(image, found.name).run();
  unlink(image, found);
}

void ImageIndex::change(std::int64_t image, const Findable& from, const Findable& to) {
  if (from.name != to.name) {
    connection_.query(kRemoveName).bind(image, from.name).run();
    connection_.query(kAddName).bind(image, to.name).run();
  }
  if (labels_of(from) == labels_of(to)) return;
  unlink(image, from);
  link(image, to);
}

void ImageIndex::link(std::int64_t image, const Findable& found) {
  auto insert = connection_.query("INSERT INTO image_labels (label_id, image_id) VALUES (?1, ?2)");
  for (const Label& label : labels_of(found)) {
    const std::int64_t id = label_id(label);
    insert.bind(id, image).run();
    ++labels_[id];
  }
}

void ImageIndex::unlink(std::int64_t image, const Findable& found) {
  auto remove = connection_.query("DELETE FROM image_labels WHERE label_id = ?1 AND image_id = ?2");
  for (const Label& label : labels_of(found)) {
    const std::int64_t id = label_id(label);
    labels_[id] -= remove.bind(id, image).run();
  }
}

std::int64_t ImageIndex::label_id(const Label& label) {
  if (const auto known = ids_.find(label); known != ids_.end()) return known->second;
  std::int64_t id = 0;
  {
    auto query = connection_.query("SELECT id FROM labels WHERE kind = ?1 AND name = ?2");
    if (query.bind(label.kind, label.name).next()) id = query.integer(0);
  }
  if (id == 0) id = add_label(label);
  ids_.emplace(label, id);
  return id;
}

// What is above a folder has been looked for before it.
std::int64_t ImageIndex::add_label(const Label& label) {
  std::int64_t parent = parent_of_kind(label.kind);
  if (label.kind == LabelKind::kFolder) {
    const auto above = ids_.find({LabelKind::kFolder, std::string(parent_folder(label.name))});
    if (above != ids_.end()) parent = above->second;
  }
  connection_.query("INSERT INTO labels (kind, parent_id, name, sort) VALUES (?1, ?2, ?3, ?4)")
      .bind(label.kind, parent, label.name, sort_key(label))
      .run();
  return connection_.last_id();
}

void ImageIndex::finish() {
  {
    auto move = connection_.query("UPDATE labels SET images = images + ?2 WHERE id = ?1");
    for (const auto& [label, images] : labels_) {
      if (images != 0) move.bind(label, images).run();
    }
  }
  auto move = connection_.query(
      "INSERT INTO image_blocks (place_id, block, images) VALUES (?1, ?2, ?3)"
      " ON CONFLICT (place_id, block) DO UPDATE SET images = images + excluded.images");
  for (const auto& [block, images] : blocks_) {
    if (images != 0) move.bind(block.first, block.second, images).run();
  }
  labels_.clear();
  blocks_.clear();
}

}  // namespace imgimport
