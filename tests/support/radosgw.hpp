// A real S3 server for tests: Ceph's radosgw, started by radosgw.sh on loopback, gone with this object or with the test
// program. Takes three seconds to start: shared by the tests of a program, each of which uses keys or buckets of its
// own.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "support/child_process.hpp"
#include "support/temp_dir.hpp"

namespace imgimport {

struct RadosgwOptions {
  bool tls = false;
  std::vector<std::string> buckets = {"images"};
};

class Radosgw {
 public:
  // Throws with the servers' last words when it does not come up. Start it on the main thread: it ends with the thread
  // that started it.
  explicit Radosgw(const RadosgwOptions& options = {});
  ~Radosgw();
  Radosgw(const Radosgw&) = delete;
  Radosgw& operator=(const Radosgw&) = delete;

  // One for the whole test program, with TLS and the bucket "images".
  static Radosgw& shared();

  const std::string& endpoint() const noexcept { return endpoint_; }          // http://127.0.0.1:PORT
  const std::string& tls_endpoint() const noexcept { return tls_endpoint_; }  // https://127.0.0.1:PORT
  const std::string& ca_file() const noexcept { return ca_file_; }            // of a CA made for this instance
  const std::string& access_key() const noexcept { return access_key_; }
  const std::string& secret_key() const noexcept { return secret_key_; }

  void create_bucket(const std::string& bucket) const;
  // Runs radosgw-admin; throws when it fails. Its standard output.
  std::string admin(const std::vector<std::string>& arguments) const;
  // No more than so many objects in the bucket.
  void set_object_quota(const std::string& bucket, int objects) const;

  // The requests that the gateway has answered so far, as its log has them, e.g. "PUT /images/key HTTP/1.1" 200.
  // They are written with a short delay.
  std::vector<std::string> requests() const;
  // Stops the disk below the gateway, so that requests hang; and lets it go on.
  void freeze_storage() const;
  void thaw_storage() const;

  // The settings with which imgimport stores into a bucket of it.
  std::map<std::string, std::string> settings(const std::string& bucket = "images") const;

 private:
  const TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
  std::string endpoint_, tls_endpoint_, ca_file_, access_key_, secret_key_;
};

}  // namespace imgimport
