// Thumbnails without pictures: "KEY@WIDTH" for every object, kept once they were made.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "imgimport/thumbnails.hpp"

namespace imgimport {

class MemoryThumbnails final : public Thumbnails {
 public:
  Result<std::optional<Thumbnail>> find(const CallContext&, const ThumbnailRequest& request) override {
    const std::lock_guard lock(mutex_);
    if (remembered_) return *remembered_;
    if (!kept_.contains(text_of(request))) return std::optional<Thumbnail>();
    return std::optional(thumbnail_of(request));
  }
  void make(const CallContext&, const ThumbnailRequest& request, Done done) override {
    std::optional<Error> error;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(request);
      if (holds_) return held_.emplace_back(request, std::move(done)), void();
      error = error_;
      if (!error) kept_.insert(text_of(request));
    }
    done(error ? Result<Thumbnail>(*error) : Result<Thumbnail>(thumbnail_of(request)));
  }
  Result<void> forget(const CallContext&, const ObjectKey& key) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(kept_, [&](const std::string& text) { return text.starts_with(key.value() + "@"); });
    forgotten_.push_back(key);
    return {};
  }

  // What make() answers from now on; nullopt = it works.
  void fail(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
  }
  // What find() answers from now on.
  void remember(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    remembered_ = std::move(error);
  }
  // Nothing is made until release().
  void hold() {
    const std::lock_guard lock(mutex_);
    holds_ = true;
  }
  void release() {
    std::vector<std::pair<ThumbnailRequest, Done>> held;
    {
      const std::lock_guard lock(mutex_);
      holds_ = false;
      held.swap(held_);
    }
    for (auto& [request, done] : held) make({}, request, std::move(done));
  }
  std::vector<ThumbnailRequest> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::vector<ObjectKey> forgotten() const {
    const std::lock_guard lock(mutex_);
    return forgotten_;
  }

 private:
  static std::string text_of(const ThumbnailRequest& request) {
    return request.key.value() + "@" + std::to_string(request.width);
  }
  static Thumbnail thumbnail_of(const ThumbnailRequest& request) {
    return {"image/webp", std::make_shared<const std::string>(text_of(request))};
  }

  mutable std::mutex mutex_;  // guards all below
  std::set<std::string> kept_;
  std::optional<Error> error_;
  std::optional<Error> remembered_;
  bool holds_ = false;
  std::vector<std::pair<ThumbnailRequest, Done>> held_;
  std::vector<ThumbnailRequest> asked_;
  std::vector<ObjectKey> forgotten_;
};

}  // namespace imgimport
