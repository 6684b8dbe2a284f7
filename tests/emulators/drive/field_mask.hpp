// The partial-response mask of the parameter `fields`: nextPageToken,files(id,name,capabilities/canDownload).
//
// Pure; immutable after parse.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace imgimport::emulator {

class FieldMask {
 public:
  // nullopt: not a mask.
  static std::optional<FieldMask> parse(std::string_view text);

  // The mask that rules inside the field `name`; nullptr: the field is not wanted.
  const FieldMask* find(std::string_view name) const;
  // A field of this mask that is none of `known`; empty when there is none.
  template <class Known>
  std::string unknown_field(const Known& known) const {
    for (const auto& [name, mask] : fields_) {
      if (name != "*" && known.find(name) == known.end()) return name;
    }
    return {};
  }

 private:
  bool parse_list(std::string_view& text);
  bool parse_field(std::string_view& text);

  // Empty = everything.
  std::map<std::string, FieldMask, std::less<>> fields_;
};

}  // namespace imgimport::emulator
