#include "support/fake_s3.hpp"

#include <utility>

#include "base/text.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"

namespace imgimport::test {
namespace {

std::string base64_of(const std::string& hex) {
  return base64_encode(from_hex(hex).value_or(""));
}

}  // namespace

FakeS3::FakeS3(Fault fault)
    : fault_(std::move(fault)), imposter_([this](const ImposterRequest& request) { return answer(request); }) {}

void FakeS3::answer_puts(std::size_t count) {
  const std::lock_guard lock(mutex_);
  puts_to_answer_ = count;
}

std::map<std::string, std::string> FakeS3::objects() const {
  const std::lock_guard lock(mutex_);
  return objects_;
}

std::map<std::string, int> FakeS3::puts() const {
  const std::lock_guard lock(mutex_);
  return puts_;
}

std::size_t FakeS3::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

ImposterReply FakeS3::refusal(int status, const std::string& code, const std::string& more) {
  return {.status = status,
          .headers = {{"Content-Type", "application/xml"}},
          .body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code + "</Code>" + more + "</Error>"};
}

ImposterReply FakeS3::answer(const ImposterRequest& request) {
  const std::lock_guard lock(mutex_);
  const std::size_t number = requests_++;
  if (fault_) {
    if (auto reply = fault_(request, number)) return *std::move(reply);
  }
  if (request.method == "PUT") {
    ImposterReply reply = put(request);
    if (puts_to_answer_ == std::size_t{0}) {
      reply.raw.emplace();
      reply.ending = ImposterEnding::kStall;
    } else if (puts_to_answer_) {
      --*puts_to_answer_;
    }
    return reply;
  }
  if (request.method == "DELETE") {
    objects_.erase(request.path());
    return {.status = 204};
  }
  return read(request);
}

ImposterReply FakeS3::put(const ImposterRequest& request) {
  const std::string sha256 = sha256_hex(request.body);
  const std::string md5 = md5_hex(request.body);
  const std::string payload = request.header("x-amz-content-sha256");
  if (payload != "UNSIGNED-PAYLOAD" && payload != sha256) return refusal(400, "XAmzContentSHA256Mismatch");
  const std::string promised_md5 = request.header("Content-MD5");
  if (!promised_md5.empty() && promised_md5 != base64_of(md5)) return refusal(400, "BadDigest");
  objects_[request.path()] = request.body;
  ++puts_[request.path()];
  return {.headers = {{"ETag", "\"" + md5 + "\""}, {"x-amz-checksum-sha256", base64_of(sha256)}}};
}

ImposterReply FakeS3::read(const ImposterRequest& request) const {
  const bool is_bucket = request.path().find('/', 1) == std::string::npos;
  if (is_bucket) return {};
  const auto found = objects_.find(request.path());
  if (found == objects_.end()) return refusal(404, "NoSuchKey");
  ImposterReply reply{.headers = {{"ETag", "\"" + md5_hex(found->second) + "\""}}, .body = found->second};
  if (request.header("x-amz-checksum-mode") == "ENABLED") {
    reply.headers.emplace_back("x-amz-checksum-sha256", base64_of(sha256_hex(found->second)));
  }
  return reply;
}

}  // namespace imgimport::test
