// Ids are types, so that a job id cannot be handed over where a Drive id is wanted.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace imgimport {

template <class Tag, class Rep>
class StrongId {
 public:
  StrongId() = default;
  explicit StrongId(Rep value) : value_(std::move(value)) {}
  const Rep& value() const noexcept { return value_; }
  friend auto operator<=>(const StrongId&, const StrongId&) = default;

 private:
  Rep value_{};
};

using JobId = StrongId<struct JobIdTag, std::string>;          // a UUID, lower case
using DriveId = StrongId<struct DriveIdTag, std::string>;      // of a file, folder or shared drive: [A-Za-z0-9_-]+
using ObjectKey = StrongId<struct ObjectKeyTag, std::string>;  // <prefix>/<drive id>/<version tag>/<safe name>
using ItemId = StrongId<struct ItemIdTag, std::int64_t>;       // of a listed file in the journal; from 1
using BatchId = StrongId<struct BatchIdTag, std::int64_t>;     // of up to BATCH_SIZE items; from 1, ascending
using ImageId = StrongId<struct ImageIdTag, std::int64_t>;     // of an image record; from 1

}  // namespace imgimport

template <class Tag, class Rep>
struct std::hash<imgimport::StrongId<Tag, Rep>> {
  std::size_t operator()(const imgimport::StrongId<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};
