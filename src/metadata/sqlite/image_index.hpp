// Keeps what lists of images are found and counted by in step with the records: the lists and counts of labels, the
// blocks of ids, the trigrams of names.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "db/connection.hpp"
#include "metadata/labels.hpp"

namespace imgimport {

// For one transaction: counts are gathered, and written by finish().
class ImageIndex {
 public:
  explicit ImageIndex(db::Connection& connection) : connection_(connection) {}

  // A live record that has come, or is gone.
  void add(std::int64_t place, std::int64_t image, const Findable& found);
  void remove(std::int64_t place, std::int64_t image, const Findable& found);
  // A record that stays, with another name or other labels.
  void change(std::int64_t image, const Findable& from, const Findable& to);
  void finish();

 private:
  void link(std::int64_t image, const Findable& found);
  void unlink(std::int64_t image, const Findable& found);
  std::int64_t label_id(const Label& label);
  std::int64_t add_label(const Label& label);

  db::Connection& connection_;
  std::map<Label, std::int64_t> ids_;
  std::map<std::int64_t, std::int64_t> labels_;                           // what moves, by label
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> blocks_;  // by place and block
};

}  // namespace imgimport
