// What every Thumbnails must do: one suite for all implementations.
#pragma once

#include <functional>
#include <memory>

#include "imgimport/object_store.hpp"
#include "imgimport/thumbnails.hpp"

namespace imgimport::contract {

// A fresh implementation over an empty store.
struct ThumbnailsUnderTest {
  Thumbnails* thumbnails = nullptr;
  ObjectStore* store = nullptr;
  std::shared_ptr<void> keeper;  // of all that they need
};

// Waits for it.
Result<Thumbnail> make_thumbnail(Thumbnails& thumbnails, const ThumbnailRequest& request,
                                 const CallContext& context = {});

void check_thumbnails(const std::function<ThumbnailsUnderTest()>& make);

}  // namespace imgimport::contract
