// A source whose own word "too fast" lowers its budget. A store's word of that kind does not: a bucket that throttles
// is no reason to ask less of the source.
#pragma once

#include <memory>
#include <string_view>

#include "imgimport/rate_budget.hpp"
#include "imgimport/source.hpp"

namespace imgimport {

// Thread-safe as the source and the budget are, which outlive it.
class PacedSource : public Source {
 public:
  PacedSource(Source& source, RateBudget& budget) : source_(source), budget_(budget) {}

  Result<FolderRef> parse_url(std::string_view url) const override { return source_.parse_url(url); }
  Result<FolderRef> root(const CallContext& context, const FolderRef& folder) override {
    return paced(source_.root(context, folder));
  }
  Result<SourcePage> list(const CallContext& context, const FolderRef& folder, std::string_view page_token) override {
    return paced(source_.list(context, folder, page_token));
  }
  Result<SourceFile> look_up(const CallContext& context, const FileRef& file) override {
    return paced(source_.look_up(context, file));
  }
  Result<std::unique_ptr<ByteReader>> open(const CallContext& context, const FileRef& file,
                                           std::uint64_t offset) override {
    return paced(source_.open(context, file, offset));
  }
  SourceCosts costs() const override { return source_.costs(); }

 private:
  template <class T>
  Result<T> paced(Result<T> answer) {
    if (!answer.has_value() && answer.error().code() == ErrorCode::kRateLimited) budget_.slow_down();
    return answer;
  }

  Source& source_;
  RateBudget& budget_;
};

}  // namespace imgimport
