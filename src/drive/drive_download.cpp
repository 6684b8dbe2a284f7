#include "drive/drive_download.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.hpp"
#include "drive/drive_api.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kSummaryBytes = 16u << 10;

Error corrupt(std::string_view reason, std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).with_reason(std::string(reason));
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

// Google sends no image as one of these: it is a sign-in page, an apology, or an error under the wrong status.
bool is_document(const HttpDownload& download) {
  const std::string type = to_lower_ascii(download.headers().find("Content-Type").value_or(""));
  const std::string_view bare = trim(std::string_view(type).substr(0, type.find(';')));
  return bare == "text/html" || bare == "application/json" || bare == "application/xhtml+xml";
}

// Where a 206 starts.
std::optional<std::uint64_t> range_start(const HttpDownload& download) {
  const std::string_view range = download.headers().find("Content-Range").value_or("");
  constexpr std::string_view kUnit = "bytes ";
  if (!range.starts_with(kUnit)) return std::nullopt;
  return leading_number(range.substr(kUnit.size()));
}

// The whole size, as a 416 states it: "bytes */1234".
std::optional<std::uint64_t> size_of_unsatisfied(const HttpDownload& download) {
  const std::string_view range = download.headers().find("Content-Range").value_or("");
  const std::size_t slash = range.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  return leading_number(range.substr(slash + 1));
}

class EmptyReader : public ByteReader {
 public:
  Result<std::size_t> read(const CallContext&, std::span<std::byte>) override { return std::size_t{0}; }
};

// The rest of a body whose server takes no Range.
class SkippingReader : public ByteReader {
 public:
  SkippingReader(std::unique_ptr<HttpDownload> download, std::string_view id, std::uint64_t skip)
      : download_(std::move(download)), id_(id), skip_(skip) {}

  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
    while (skip_ > 0) {
      const auto piece = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(skip_, out.size())));
      IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, download_->read(context, piece));
      if (count == 0) {
        return corrupt("file_changed", fmt::format("the file {} has become shorter while it was downloaded", id_));
      }
      skip_ -= count;
    }
    return download_->read(context, out);
  }

 private:
  const std::unique_ptr<HttpDownload> download_;
  const std::string id_;
  std::uint64_t skip_;
};

}  // namespace

Result<std::unique_ptr<ByteReader>> check_drive_download(const CallContext& context,
                                                         std::unique_ptr<HttpDownload> download,
                                                         const DriveDownload& asked) {
  const std::string_view id = asked.call.id;
  const std::uint64_t offset = asked.offset;
  if (download->status() == 416) {
    static_cast<void>(read_beginning(context, *download, kSummaryBytes));
    if (size_of_unsatisfied(*download) == offset) return std::unique_ptr<ByteReader>(std::make_unique<EmptyReader>());
    return corrupt("file_changed", fmt::format("the file {} has become shorter while it was downloaded", id));
  }
  if (is_document(*download)) {
    const std::string body = read_beginning(context, *download, kSummaryBytes);
    auto stated = stated_drive_error(
        asked.call, {.status = download->status(), .headers = download->headers(), .body = body, .now = asked.now});
    if (stated) return *std::move(stated);
    const std::string summary = document_summary(body);
    return corrupt("not_the_bytes", fmt::format("instead of the file {}, Google Drive sent {}", id,
                                                summary.empty() ? "a document of its own" : summary));
  }
  if (download->status() == 206) {
    if (range_start(*download) != offset) {
      return corrupt("wrong_range", fmt::format("Google Drive sent another part of the file {} than asked for", id));
    }
    return std::unique_ptr<ByteReader>(std::move(download));
  }
  if (offset == 0) return std::unique_ptr<ByteReader>(std::move(download));
  return std::unique_ptr<ByteReader>(std::make_unique<SkippingReader>(std::move(download), id, offset));
}

}  // namespace imgimport
