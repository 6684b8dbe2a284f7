#include "gateway/text_stream.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/json_writer.hpp"

namespace imgimport {
namespace {

class TextReader : public ByteReader {
 public:
  TextReader(std::string first, TextSource source) : text_(std::move(first)), source_(std::move(source)) {}

  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
    if (taken_ == text_.size()) {
      IMGIMPORT_RETURN_IF_ERROR(context.check());
      IMGIMPORT_ASSIGN_OR_RETURN(text_, source_(context));
      taken_ = 0;
    }
    const std::size_t count = std::min(out.size(), text_.size() - taken_);
    if (count != 0) std::memcpy(out.data(), text_.data() + taken_, count);
    taken_ += count;
    return count;
  }

 private:
  std::string text_;
  std::size_t taken_ = 0;
  TextSource source_;
};

// Both streams have the shape head, pages of records, tail.
HttpResponse stream_response(std::string first, TextSource source) {
  HttpResponse response;
  response.headers.set("Content-Type", "application/json");
  HttpStreamBody body;
  body.reader = text_reader(std::move(first), std::move(source));
  response.body = std::move(body);
  return response;
}

class AllImages {
 public:
  AllImages(const RecordStream& stream, const std::vector<Image>& first_page) : stream_(stream) {
    json_.begin_object();
    json_.field("success", true);
    json_.key("images");
    json_.begin_array();
    write(first_page);
  }

  std::string first() { return json_.take(); }

  Result<std::string> next(const CallContext& context) {
    if (closed_) return std::string();
    if (!last_page_) {
      IMGIMPORT_ASSIGN_OR_RETURN(const auto page, stream_.images.walk(context, {}, before_, stream_.page_size));
      write(page);
      if (json_.size() != 0) return json_.take();
    }
    closed_ = true;
    json_.end_array();
    // Behind the list: while an import or a deletion runs, nobody knows before it is written how many it will hold.
    json_.field("total", written_);
    json_.end_object();
    return json_.take();
  }

 private:
  void write(const std::vector<Image>& page) {
    for (const Image& image : page) write_image(json_, image, stream_.links);
    written_ += static_cast<std::int64_t>(page.size());
    last_page_ = page.size() < stream_.page_size;
    if (!page.empty()) before_ = page.back().id;
  }

  RecordStream stream_;
  JsonWriter json_;
  ImageId before_;
  std::int64_t written_ = 0;
  bool last_page_ = false;
  bool closed_ = false;
};

class JobImages {
 public:
  using Page = std::vector<ImageStore::JobImage>;

  JobImages(const RecordStream& stream, JobRecords records) : stream_(stream), job_(std::move(records.job)) {
    left_ = records.limit;
    first_ = std::move(records.head);
    first_.append(",\"imported\":");
    json_.begin_array();
  }

  // REQUIRES: called once, before next().
  Result<std::string> first(const CallContext& context) {
    IMGIMPORT_RETURN_IF_ERROR(read_page(context));
    return std::exchange(first_, {}) + json_.take();
  }

  Result<std::string> next(const CallContext& context) {
    if (closed_) return std::string();
    IMGIMPORT_RETURN_IF_ERROR(read_page(context));
    if (json_.size() != 0) return json_.take();
    closed_ = true;
    json_.end_array();
    json_.end_object();
    return json_.take();
  }

 private:
  Result<void> read_page(const CallContext& context) {
    const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(left_, std::int64_t(stream_.page_size)));
    if (wanted == 0) return {};
    IMGIMPORT_ASSIGN_OR_RETURN(const Page page, stream_.images.job_images(context, job_, after_, wanted));
    for (const auto& [item, image] : page) write_image(json_, image, stream_.links);
    if (!page.empty()) after_ = page.back().item;
    left_ = page.size() < wanted ? 0 : left_ - std::int64_t(page.size());
    return {};
  }

  RecordStream stream_;
  JobId job_;
  std::string first_;
  JsonWriter json_;
  ItemId after_;
  std::int64_t left_ = 0;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<ByteReader> text_reader(std::string first, TextSource source) {
  return std::make_unique<TextReader>(std::move(first), std::move(source));
}

Result<HttpResponse> all_images_response(const CallContext& context, const RecordStream& stream) {
  IMGIMPORT_ASSIGN_OR_RETURN(const auto page, stream.images.walk(context, {}, ImageId(0), stream.page_size));
  const auto images = std::make_shared<AllImages>(stream, page);
  return stream_response(images->first(), [images](const CallContext& later) { return images->next(later); });
}

Result<HttpResponse> job_images_response(const CallContext& context, const RecordStream& stream, JobRecords records) {
  const auto images = std::make_shared<JobImages>(stream, std::move(records));
  IMGIMPORT_ASSIGN_OR_RETURN(std::string first, images->first(context));
  return stream_response(std::move(first), [images](const CallContext& later) { return images->next(later); });
}

}  // namespace imgimport
