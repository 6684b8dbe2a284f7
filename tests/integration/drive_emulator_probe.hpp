// How the emulator's own tests talk to it: one connection for each request, no retries, nothing hidden.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "emulators/drive/drive_emulator.hpp"
#include "support/raw_http.hpp"

namespace imgimport::emulator::probe {

using imgimport::testing::raw_get;
using imgimport::testing::raw_post;
using imgimport::testing::RawClient;
using imgimport::testing::RawEnd;
using imgimport::testing::RawResponse;

// `headers` are whole lines.
RawResponse get(const DriveEmulator& drive, const std::string& path, const std::string& headers = {});
// The path with the emulator's API key.
std::string keyed(const std::string& path);
// The path of a download, with the key.
std::string media(const std::string& id);

struct ListCall {
  std::string q;
  std::string more;  // further parameters, with their &
  std::string headers;
};
// Requires that the answer is 200.
boost::json::value list(const DriveEmulator& drive, const ListCall& call);
// The query for a folder's children.
std::string in(const std::string& folder);
std::vector<std::string> names_of(const boost::json::value& page);
std::vector<std::string> find(const DriveEmulator& drive, const std::string& q);
// Of the next page; empty at the end.
std::string token_of(const boost::json::value& page);
std::string reason_of(const RawResponse& reply);
std::string bytes_of(DriveEmulator& drive, const std::string& id);

}  // namespace imgimport::emulator::probe
