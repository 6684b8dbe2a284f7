#include "integration/drive_emulator_probe.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "base/text.hpp"

namespace imgimport::emulator::probe {

RawResponse get(const DriveEmulator& drive, const std::string& path, const std::string& headers) {
  return RawClient(drive.port()).exchange(raw_get(path, headers));
}

std::string keyed(const std::string& path) {
  return path + (path.find('?') == std::string::npos ? "?" : "&") + "key=" + DriveEmulator::api_key();
}

std::string media(const std::string& id) {
  return keyed("/drive/v3/files/" + id + "?alt=media");
}

boost::json::value list(const DriveEmulator& drive, const ListCall& call) {
  const RawResponse reply = get(drive, keyed("/drive/v3/files?q=" + percent_encode(call.q) + call.more), call.headers);
  INFO(reply.body);
  REQUIRE(reply.status == 200);
  return boost::json::parse(reply.body);
}

std::string in(const std::string& folder) {
  return "'" + folder + "' in parents";
}

std::vector<std::string> names_of(const boost::json::value& page) {
  std::vector<std::string> names;
  for (const auto& file : page.at("files").as_array()) names.emplace_back(file.at("name").as_string());
  return names;
}

std::vector<std::string> find(const DriveEmulator& drive, const std::string& q) {
  return names_of(list(drive, {.q = q}));
}

std::string token_of(const boost::json::value& page) {
  const auto* token = page.as_object().if_contains("nextPageToken");
  return token ? std::string(token->as_string()) : std::string();
}

std::string reason_of(const RawResponse& reply) {
  return std::string(boost::json::parse(reply.body).at("error").at("errors").at(0).at("reason").as_string());
}

std::string bytes_of(DriveEmulator& drive, const std::string& id) {
  const auto item = drive.tree().find(id);
  return item->content->copy_string(0, item->content->size());
}

}  // namespace imgimport::emulator::probe
