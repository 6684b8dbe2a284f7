#include "support/radosgw.hpp"

#include <signal.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "base/system_clock.hpp"
#include "http_client/curl_client.hpp"
#include "storage/s3/sigv4.hpp"

namespace imgimport {
namespace {

using std::chrono::seconds;

const std::string kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::filesystem::path script() {
  return std::filesystem::path(IMGIMPORT_RADOSGW_SCRIPT);
}

}  // namespace

Radosgw::Radosgw(const RadosgwOptions& options) {
  ChildOptions child;
  child.program = "/usr/bin/setpriv";
  child.arguments = {"--pdeathsig",    "TERM",  "/bin/bash",         script().string(),
                     "--until-signal", "--dir", dir_.path().string()};
  if (options.tls) child.arguments.push_back("--tls");
  for (const std::string& bucket : options.buckets) {
    child.arguments.push_back("--bucket");
    child.arguments.push_back(bucket);
  }
  child.environment = {{"PATH", kPath}, {"TMPDIR", std::filesystem::temp_directory_path().string()}};
  process_ = std::make_unique<ChildProcess>(child);
  const auto line = process_->read_line(seconds(90));
  std::string word, folder;
  std::istringstream words(line.value_or(""));
  words >> word >> endpoint_ >> access_key_ >> secret_key_ >> folder >> tls_endpoint_ >> ca_file_;
  if (word == "ready") return;
  process_->signal(SIGTERM);
  process_->wait(seconds(10));
  throw std::runtime_error("radosgw did not start: " + process_->error_output());
}

Radosgw::~Radosgw() {
  process_->signal(SIGCONT);
  process_->signal(SIGTERM);
  process_->wait(seconds(10));
}

Radosgw& Radosgw::shared() {
  static Radosgw instance({.tls = true});
  return instance;
}

std::string Radosgw::admin(const std::vector<std::string>& arguments) const {
  ChildOptions child;
  child.program = "/usr/bin/radosgw-admin";
  child.arguments = {"-c", (dir_.path() / "ceph.conf").string(), "-n", "client.rgw"};
  child.arguments.insert(child.arguments.end(), arguments.begin(), arguments.end());
  child.environment = {{"PATH", kPath}};
  ChildProcess process(child);
  std::string output = process.read_all(seconds(60));
  if (process.wait(seconds(10)) != 0) throw std::runtime_error("radosgw-admin: " + process.error_output());
  return output;
}

void Radosgw::create_bucket(const std::string& bucket) const {
  CurlHttpClient http({.ca = {}, .proxies = ProxyUse::kIgnore});
  UnsignedRequest unsigned_request;
  unsigned_request.method = HttpMethod::kPut;
  unsigned_request.host = endpoint_.substr(endpoint_.find("//") + 2);
  unsigned_request.path = "/" + bucket;
  unsigned_request.payload_hash = std::string(kEmptyPayload);
  HttpClientRequest request;
  request.method = HttpMethod::kPut;
  request.url = endpoint_ + "/" + bucket;
  request.headers = sign_headers(
      {.credentials = {access_key_, secret_key_, {}, {}}, .region = "us-east-1", .time = SystemClock().now()},
      unsigned_request);
  const auto answer = http.send({}, request);
  if (!answer.has_value()) throw std::runtime_error("create bucket: " + answer.error().message());
  if (answer->status != 200) throw std::runtime_error("create bucket: " + answer->body);
}

void Radosgw::set_object_quota(const std::string& bucket, int objects) const {
  admin({"quota", "set", "--quota-scope=bucket", "--bucket=" + bucket, "--max-objects=" + std::to_string(objects)});
  admin({"quota", "enable", "--quota-scope=bucket", "--bucket=" + bucket});
}

std::vector<std::string> Radosgw::requests() const {
  std::vector<std::string> found;
  std::ifstream log(dir_.path() / "client.rgw.log");
  for (std::string line; std::getline(log, line);) {
    if (line.find(" beast: ") == std::string::npos) continue;
    const std::size_t begin = line.find('"');
    const std::size_t end = line.find("HTTP/1.1\" ", begin);
    if (begin == std::string::npos || end == std::string::npos) continue;
    found.push_back(line.substr(begin, end + 13 - begin));
  }
  return found;
}

void Radosgw::freeze_storage() const {
  std::ifstream file(dir_.path() / "osd.pid");
  pid_t pid = 0;
  if (file >> pid && pid > 1) freeze_process(pid);
}

void Radosgw::thaw_storage() const {
  std::ifstream file(dir_.path() / "osd.pid");
  pid_t pid = 0;
  if (file >> pid && pid > 1) ::kill(pid, SIGCONT);
}

std::map<std::string, std::string> Radosgw::settings(const std::string& bucket) const {
  return {{"STORAGE_PROVIDER", "aws"},
          {"AWS_ENDPOINT_URL_S3", endpoint_},
          {"AWS_BUCKET_NAME", bucket},
          {"AWS_ACCESS_KEY_ID", access_key_},
          {"AWS_SECRET_ACCESS_KEY", secret_key_}};
}

}  // namespace imgimport
