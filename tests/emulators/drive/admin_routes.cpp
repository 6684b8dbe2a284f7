// The emulator's own routes, for scripts that cannot reach into the process.
#include <boost/json.hpp>
#include <utility>

#include "emulators/drive/drive_service.hpp"
#include "emulators/drive/fault_json.hpp"

namespace imgimport::emulator {
namespace {

using boost::json::object;
using boost::json::value;

object counts_json(const CounterValues& values, const std::map<std::string, std::uint64_t>& faults) {
  object statuses;
  for (const auto& [code, n] : values.statuses) statuses[std::to_string(code)] = n;
  object taken;
  for (const auto& [name, n] : faults) taken[name] = n;
  return {{"list", values.list},
          {"get", values.get},
          {"download", values.download},
          {"token", values.token},
          {"other", values.other},
          {"units", values.units},
          {"body_bytes", values.body_bytes},
          {"full_downloads", values.full_downloads},
          {"downloads_now", values.downloads_now},
          {"max_downloads", values.max_downloads},
          {"connections_now", values.connections_now},
          {"max_connections", values.max_connections},
          {"statuses", std::move(statuses)},
          {"faults", std::move(taken)}};
}

object files_json(const Counters& counters) {
  object files;
  for (const auto& [id, counts] : counters.files()) {
    files[id] = {{"requests", counts.requests}, {"full", counts.full}, {"partial", counts.partial}};
  }
  return files;
}

// What is there, with the hashes of what a download really gives: for scripts that compare.
boost::json::array manifest_json(const DriveTree& tree) {
  boost::json::array all;
  for (const std::string& id : tree.ids()) {
    const auto item = tree.find(id);
    if (!item || item->kind != ItemKind::kFile) continue;
    const ContentHashes served = item->served                  ? item->served->hashes()
                                 : item->hashes.sha256.empty() ? item->content->hashes()
                                                               : item->hashes;
    all.push_back(object{{"id", item->id},
                         {"name", item->name},
                         {"parent", item->parent_id},
                         {"mime_type", item->mime_type},
                         {"size", (item->served ? item->served : item->content)->size()},
                         {"trashed", item->trashed},
                         {"sha256", served.sha256},
                         {"md5", served.md5}});
  }
  return all;
}

HttpResponse problem(std::string_view text) {
  return json_response(400, boost::json::serialize(value{{"error", text}}));
}

HttpResponse done() {
  return json_response(200, "{}");
}

bool is_local(const HttpRequest& request) {
  return request.remote_address == "127.0.0.1" || request.remote_address == "::1";
}

}  // namespace

void DriveService::mount_admin(Router& router) {
  const auto mount_one = [&](HttpMethod method, std::string pattern, auto answer) {
    router.handle(method, "/_emulator/" + std::move(pattern),
                  [answer](const CallContext&, const HttpRequest& request) {
                    if (!is_local(request)) return error_response(google_error("forbidden"));
                    boost::system::error_code failed;
                    value body = request.body.empty() ? value(object()) : boost::json::parse(request.body, failed);
                    if (failed) return problem("the body is not JSON");
                    return HttpResponse(answer(request, std::move(body)));
                  },
                  {.guarded = false});
  };
  mount_one(HttpMethod::kPost, "faults", [this](const HttpRequest&, const value& body) {
    auto rules = faults_from_json(body);
    if (!rules) return problem(rules.error().message());
    for (FaultRule& rule : *rules) faults_.add(std::move(rule));
    return done();
  });
  mount_one(HttpMethod::kDelete, "faults", [this](const HttpRequest&, const value&) {
    faults_.clear();
    return done();
  });
  mount_one(HttpMethod::kGet, "counters", [this](const HttpRequest& request, const value&) {
    object counts = counts_json(counters_.values(), faults_.taken());
    if (request.query_value("files") == "1") counts["files"] = files_json(counters_);
    return json_response(200, boost::json::serialize(counts));
  });
  mount_one(HttpMethod::kGet, "manifest", [this](const HttpRequest&, const value&) {
    return json_response(200,
                         boost::json::serialize(value{{"root", tree_.root_id()}, {"files", manifest_json(tree_)}}));
  });
  mount_one(HttpMethod::kPost, "reset", [this](const HttpRequest&, const value&) {
    faults_.clear();
    counters_.reset();
    set_latency({});
    return done();
  });
  mount_one(HttpMethod::kPost, "expire", [this](const HttpRequest&, const value& body) {
    const object* what = body.if_object();
    if (what && what->contains("page_tokens")) expire_page_tokens();
    if (what && what->contains("access_tokens")) access_.expire_access_tokens();
    return done();
  });
  mount_one(HttpMethod::kPost, "settings", [this](const HttpRequest&, const value& body) {
    for (const auto& [name, content] : body.is_object() ? body.get_object() : object()) {
      boost::system::error_code failed;
      const auto number = content.is_number() ? content.to_number<std::int64_t>(failed) : -1;
      if (failed || number < 0) return problem(name);
      if (name == "quota_per_minute") {
        faults_.set_quota_per_minute(static_cast<std::uint64_t>(number));
      } else if (name == "latency_ms") {
        set_latency(std::chrono::milliseconds(number));
      } else if (name == "token_lifetime_seconds") {
        access_.set_token_lifetime(std::chrono::seconds(number));
      } else {
        return problem(name);
      }
    }
    return done();
  });
}

}  // namespace imgimport::emulator
