#include "support/server_process.hpp"

#include <signal.h>

#include <boost/json.hpp>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <stdexcept>

#include "http_client/curl_client.hpp"

namespace imgimport {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kRequestLimit{60};

// Time between two polls of something that another process does.
void pause_between_polls() {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, milliseconds(20));
}

std::unique_ptr<HttpClient> client_trusting(const std::map<std::string, std::string>& settings) {
  CurlHttpClientOptions options;
  if (const auto given = settings.find("CURL_CA_BUNDLE"); given != settings.end()) options.ca.file = given->second;
  return std::make_unique<CurlHttpClient>(options);
}

std::int64_t number(const boost::json::object& object, const char* name) {
  return object.at(name).to_number<std::int64_t>();
}

}  // namespace

std::filesystem::path program_under_test() {
  if (const char* given = std::getenv("IMGIMPORT_PROGRAM"); given != nullptr && *given != '\0') return given;
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "imgimport";
}

ServerProcess::ServerProcess(const std::filesystem::path& data_dir, std::map<std::string, std::string> settings,
                             const std::string& role, const std::vector<std::string>& launcher)
    : http_(client_trusting(settings)) {
  std::vector<std::string> words = launcher;
  words.insert(words.end(), {program_under_test().string(), "--role=" + role});
  ChildOptions options;
  options.program = words.front();
  options.arguments.assign(words.begin() + 1, words.end());
  options.environment = {{"GATEWAY_PORT", "0"},    {"FRONTEND_PORT", "0"},         {"IMPORT_PORT", "0"},
                         {"METADATA_PORT", "0"},   {"STORAGE_PORT", "0"},          {"WORKER_PORT", "0"},
                         {"LOG_LEVEL", "warning"}, {"DATA_DIR", data_dir.string()}};
  settings.merge(options.environment);
  options.environment = std::move(settings);
  std::filesystem::create_directories(data_dir);
  options.directory = data_dir;  // no ./config and no ./.env of the checkout
  process_ = std::make_unique<ChildProcess>(options);
  constexpr std::string_view kListening = " listening on ";
  const std::size_t ports = role == "all" ? 6 : role == "gateway" ? 2 : 1;
  while (lines_.size() < ports) {
    const auto line = process_->read_line(std::chrono::seconds(20));
    if (!line) throw std::runtime_error("the server did not start: " + process_->error_output());
    if (const std::size_t at = line->find(kListening); at != std::string::npos) {
      lines_[line->substr(0, at)] = line->substr(at + kListening.size());
    }
  }
  const auto gateway = lines_.find("api-gateway");
  url_ = gateway == lines_.end() ? lines_.begin()->second : gateway->second;
}

std::string ServerProcess::port_line(const std::string& service) const {
  return lines_.at(service);
}

Reply ServerProcess::request(HttpMethod method, const std::string& path, const std::string& body,
                             const HttpHeaders& headers) {
  HttpClientRequest request;
  request.method = method;
  request.url = path.starts_with("http") ? path : url_ + path;
  request.headers = headers;
  request.body = body;
  if (!body.empty() && !headers.find("Content-Type")) request.headers.set("Content-Type", "application/json");
  request.max_response_bytes = 1U << 30;
  request.stall_timeout = kRequestLimit;  // a gateway may wait for a neighbour longer than for a source
  auto answer = http_->send(CallContext{}.with_timeout(kRequestLimit), request);
  if (!answer.has_value()) throw std::runtime_error(path + ": " + answer.error().message());
  Reply reply;
  reply.status = answer->status;
  reply.body = std::move(answer->body);
  reply.headers = std::move(answer->headers);
  boost::system::error_code not_json;
  reply.json = boost::json::parse(reply.body, not_json);
  return reply;
}

Reply ServerProcess::get(const std::string& path) {
  return request(HttpMethod::kGet, path);
}

Reply ServerProcess::post(const std::string& path, const std::string& body) {
  return request(HttpMethod::kPost, path, body);
}

std::string ServerProcess::import_folder(const std::string& folder_url) {
  const Reply reply =
      post("/api/import/google-drive", boost::json::serialize(boost::json::object{{"folder_url", folder_url}}));
  if (reply.status != 202)
    throw std::runtime_error("import refused: " + std::to_string(reply.status) + " " + reply.body);
  return std::string(reply.json.as_object().at("job_id").as_string());
}

boost::json::object ServerProcess::wait_for_job(const std::string& job_id, std::chrono::seconds limit) {
  const auto deadline = steady_clock::now() + limit;
  for (;;) {
    const Reply reply = get("/api/import/status/" + job_id + "?imported=0");
    if (reply.status != 200) throw std::runtime_error("status: " + std::to_string(reply.status) + " " + reply.body);
    const boost::json::object& status = reply.json.as_object();
    if (const std::string wrong = equation_error(status); !wrong.empty()) throw std::runtime_error(wrong);
    const auto& name = status.at("status").as_string();
    if (name != "listing" && name != "processing") return status;
    if (steady_clock::now() > deadline) throw std::runtime_error("the job did not end: " + reply.body);
    pause_between_polls();
  }
}

void ServerProcess::kill_hard() {
  process_->signal(SIGKILL);
  process_->wait(std::chrono::seconds(10));
}

int ServerProcess::stop() {
  process_->signal(SIGTERM);
  return process_->wait(std::chrono::seconds(30)).value_or(-1);
}

std::string equation_error(const boost::json::object& status) {
  const auto processed = number(status, "processed");
  const bool sum = processed + number(status, "failed") + number(status, "deferred") + number(status, "cancelled") +
                       number(status, "pending") ==
                   number(status, "total");
  const bool parts =
      number(status, "imported_count") + number(status, "skipped") + number(status, "deduplicated") == processed;
  return sum && parts ? "" : "the counters do not add up: " + boost::json::serialize(status);
}

}  // namespace imgimport
