#include "http_server/body_pull.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <utility>

namespace imgimport {
namespace {

constexpr std::size_t kMaxPiece = 256 << 10;
constexpr std::size_t kHeadRoom = 18;  // 16 hex digits and a line break
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";
constexpr std::size_t kTailRoom = kLineEnd.size() + kLastChunk.size();

}  // namespace

BodyPull::BodyPull(std::unique_ptr<ByteReader> reader, std::optional<std::uint64_t> length, Framing framing)
    : reader_(std::move(reader)),
      remaining_(length),
      framing_(framing),
      capacity_(static_cast<std::size_t>(std::min<std::uint64_t>(length.value_or(kMaxPiece), kMaxPiece))),
      buffer_(std::make_unique_for_overwrite<char[]>(kHeadRoom + capacity_ + kTailRoom)) {}

Result<BodyPull::Piece> BodyPull::read(const CallContext& context) {
  Result<Piece> piece = [&]() -> Result<Piece> {
    try {
      return read_piece(context);
    } catch (const std::exception& failure) {
      return Error(ErrorCode::kInternal, std::string("reading a body: ") + failure.what());
    }
  }();
  if (!piece || piece->last) reader_.reset();
  return piece;
}

Result<BodyPull::Piece> BodyPull::read_piece(const CallContext& context) {
  if (remaining_ == 0U) return Piece{frame(0, true), true};
  if (!reader_) return Error(ErrorCode::kInternal, "a streamed body without a reader");
  IMGIMPORT_RETURN_IF_ERROR(context.check());
  const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(capacity_, remaining_.value_or(capacity_)));
  const std::span<char> bytes(buffer_.get() + kHeadRoom, room);
  IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t got, reader_->read(context, std::as_writable_bytes(bytes)));
  if (got == 0 && remaining_) return Error(ErrorCode::kCorrupt, "a body ended before its announced length");
  if (remaining_) *remaining_ -= got;
  const bool last = got == 0 || remaining_ == 0U;
  return Piece{frame(got, last), last};
}

std::string_view BodyPull::frame(std::size_t bytes, bool last) {
  char* begin = buffer_.get() + kHeadRoom;
  char* end = begin + bytes;
  const auto append = [&](std::string_view text) {
    std::memcpy(end, text.data(), text.size());
    end += text.size();
  };
  if (framing_ == Framing::kPlain) return {begin, bytes};
  if (bytes > 0) {
    std::array<char, kHeadRoom> head{};
    char* head_end = std::to_chars(head.data(), head.data() + 16, bytes, 16).ptr;
    head_end = std::copy(kLineEnd.begin(), kLineEnd.end(), head_end);
    begin -= head_end - head.data();
    std::copy(head.data(), head_end, begin);
    append(kLineEnd);
  }
  if (last) append(kLastChunk);
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace imgimport
