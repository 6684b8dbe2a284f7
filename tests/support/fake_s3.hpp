// An S3 that misbehaves as asked, for what a real server cannot be made to do: SlowDown, resets, stalls, redirects,
// expired tokens, wrong checksums in answers. Objects lie in memory. It does not look at signatures: radosgw does.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "support/http_imposter.hpp"

namespace imgimport::test {

class FakeS3 {
 public:
  // Looks at each request before it is served, with its number from 0; an answer here is sent instead, and nothing is
  // stored. Called on the connections' threads, one call at a time.
  using Fault = std::function<std::optional<ImposterReply>(const ImposterRequest& request, std::size_t number)>;

  // Path style; any bucket is there.
  explicit FakeS3(Fault fault = {});

  // Of the PUTs so many are answered; those after them are carried out, and their connections stay silent.
  void answer_puts(std::size_t count);

  std::string endpoint() const { return imposter_.url(); }
  HttpImposter& imposter() noexcept { return imposter_; }

  // By path as sent, e.g. "/images/a%20b.jpg".
  std::map<std::string, std::string> objects() const;
  // How many PUTs of each path were carried out.
  std::map<std::string, int> puts() const;
  std::size_t requests() const;

  // The answer that S3 gives for a refusal.
  static ImposterReply refusal(int status, const std::string& code, const std::string& more = {});

 private:
  ImposterReply answer(const ImposterRequest& request);
  ImposterReply put(const ImposterRequest& request);
  ImposterReply read(const ImposterRequest& request) const;

  const Fault fault_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> objects_;  // guarded by mutex_, as the next three
  std::map<std::string, int> puts_;
  std::size_t requests_ = 0;
  std::optional<std::size_t> puts_to_answer_;
  HttpImposter imposter_;  // last: it ends before what its threads use
};

}  // namespace imgimport::test
