// `imgimport --role=…` as a process, on ports of its own, with what tests ask of it over REST.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "imgimport/http_client.hpp"
#include "support/child_process.hpp"

namespace imgimport {

// The built program: IMGIMPORT_PROGRAM from the environment, else the one beside the test program.
std::filesystem::path program_under_test();

struct Reply {
  int status = 0;
  std::string body;
  HttpHeaders headers;
  boost::json::value json;  // null when the body is not JSON
};

class ServerProcess {
 public:
  // `settings` are environment variables; ports are 0, logs are warnings only unless set otherwise. Waits until the
  // server says that it listens; throws with its standard error when it does not. Where it serves HTTPS, CURL_CA_BUNDLE
  // among the settings is what this side trusts as well. `launcher` are words before the program, e.g. of nsenter.
  ServerProcess(const std::filesystem::path& data_dir, std::map<std::string, std::string> settings,
                const std::string& role = "all", const std::vector<std::string>& launcher = {});

  const std::string& url() const noexcept { return url_; }  // of the gateway, else of the one service
  std::string port_line(const std::string& service) const;

  Reply get(const std::string& path);
  Reply post(const std::string& path, const std::string& body = "");
  Reply request(HttpMethod method, const std::string& path, const std::string& body = "",
                const HttpHeaders& headers = {});

  // Starts an import of the folder and returns the job id; throws unless the answer is 202.
  std::string import_folder(const std::string& folder_url);
  // Polls the job until it is neither listing nor processing; checks the equation of its counters at every poll and
  // throws when it does not hold, or when `limit` passes.
  boost::json::object wait_for_job(const std::string& job_id, std::chrono::seconds limit = std::chrono::seconds(120));

  void kill_hard();  // SIGKILL, and waits for its end
  int stop();        // SIGTERM; the exit code
  ChildProcess& process() { return *process_; }

 private:
  std::unique_ptr<ChildProcess> process_;
  std::unique_ptr<HttpClient> http_;
  std::map<std::string, std::string> lines_;
  std::string url_;
};

// Empty when imported + skipped + … == total and processed is their sum; else what is wrong.
std::string equation_error(const boost::json::object& status);

}  // namespace imgimport
