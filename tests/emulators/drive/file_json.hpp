// A file resource of Drive v3, as far as a field mask asks for it.
#pragma once

#include <boost/json/object.hpp>
#include <set>
#include <string>
#include <string_view>

#include "emulators/drive/drive_item.hpp"
#include "emulators/drive/field_mask.hpp"

namespace imgimport::emulator {

// What Google sends without `fields`.
inline constexpr std::string_view kDefaultFileFields = "kind,id,name,mimeType";
inline constexpr std::string_view kDefaultListFields =
    "kind,incompleteSearch,nextPageToken,files(kind,id,name,mimeType)";

boost::json::object file_json(const DriveItem& item, const FieldMask& mask, boost::json::storage_ptr storage = {});

// All fields that a file resource can have, those that the emulator leaves empty included: anything else is refused.
const std::set<std::string, std::less<>>& file_field_names();

}  // namespace imgimport::emulator
