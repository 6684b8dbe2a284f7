#include "storage/azure/block_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/random.hpp"
#include "crypto/base64.hpp"

namespace imgimport {
namespace {

constexpr std::array<HashAlgorithm, 2> kComputed = {HashAlgorithm::kMd5, HashAlgorithm::kSha256};

}  // namespace

BlockReader::BlockReader(const Blob& blob, std::size_t block_bytes)
    : blob_(blob), block_bytes_(block_bytes), hasher_(kComputed) {}

Result<BlockReader::Block> BlockReader::next(const CallContext& context) {
  if (!reader_) {
    IMGIMPORT_ASSIGN_OR_RETURN(reader_, blob_.open(context));
  }
  // One byte more than is left shows whether the content ends where it should.
  const std::uint64_t promised = blob_.size().value_or(UINT64_MAX - 1);
  const std::uint64_t left = promised - std::min(size_, promised);
  Block block;
  block.bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left + 1, block_bytes_)));
  const auto room = std::as_writable_bytes(std::span(block.bytes));
  std::size_t filled = 0;
  while (filled < room.size()) {
    IMGIMPORT_ASSIGN_OR_RETURN(const std::size_t count, reader_->read(context, room.subspan(filled)));
    if (count == 0) {
      block.is_last = true;
      break;
    }
    filled += count;
  }
  block.bytes.resize(filled);
  size_ += filled;
  if (size_ > promised) IMGIMPORT_RETURN_IF_ERROR(check_size(promised, size_));
  hasher_.update(std::as_bytes(std::span(block.bytes)));
  return block;
}

Result<AzurePut> BlockReader::finish(const ContentHashes& expected) {
  IMGIMPORT_RETURN_IF_ERROR(check_size(blob_.size().value_or(size_), size_));
  AzurePut put{.size_bytes = size_, .hashes = hasher_.finish()};
  IMGIMPORT_RETURN_IF_ERROR(check_hashes(expected, put.hashes));
  return put;
}

// All ids of a blob must be of one length, those of earlier puts that were given up included.
BlockList::BlockList() : put_id_(random_token(8)) {}

const std::string& BlockList::add() {
  ids_.push_back(base64_encode(fmt::format("{}-{:06}", put_id_, ids_.size())));
  return ids_.back();
}

std::string BlockList::document() const {
  std::string text = R"(<?xml version="1.0" encoding="utf-8"?><BlockList>)";
  for (const std::string& id : ids_) text.append("<Uncommitted>").append(id).append("</Uncommitted>");
  return text.append("</BlockList>");
}

}  // namespace imgimport
