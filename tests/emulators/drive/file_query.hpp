// The search language of files.list: 'ID' in parents and (mimeType contains 'image/' or …) and trashed = false.
// https://developers.google.com/workspace/drive/api/guides/ref-search-terms
//
// Pure; a parsed query is immutable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulators/drive/drive_item.hpp"

namespace imgimport::emulator {

class FileQuery {
 public:
  // nullopt: Google would answer 400. An empty text matches everything.
  static std::optional<FileQuery> parse(std::string_view text);

  // `root_id` is what 'root' stands for.
  bool matches(const DriveItem& item, std::string_view root_id) const;
  // The folder that everything found must lie in; nullopt when the query does not bind it to one.
  std::optional<std::string> parent() const;
  // Whether it asks for the children of several folders at once ('a' in parents or 'b' in parents).
  bool asks_for_several_parents() const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;  // nullptr: everything
};

}  // namespace imgimport::emulator
