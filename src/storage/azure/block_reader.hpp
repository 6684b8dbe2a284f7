// A stream on its way into Azure in blocks: cut into pieces of bounded size, and hashed as a whole. And the list that
// makes an object of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "imgimport/blob.hpp"
#include "imgimport/result.hpp"
#include "storage/azure/azure_put.hpp"
#include "storage/content_hasher.hpp"

namespace imgimport {

// Used by one thread. REQUIRES: the blob outlives it.
class BlockReader {
 public:
  BlockReader(const Blob& blob, std::size_t block_bytes);

  struct Block {
    std::string bytes;     // as many as asked for, fewer only in the last one, which may be empty
    bool is_last = false;  // the blob has ended
  };
  // Opens the blob at the first call. An error of its reader is passed on; kCorrupt (too_long).
  // REQUIRES: no block before was the last
  Result<Block> next(const CallContext& context);

  // Size and hashes of all. kCorrupt: too_short, checksum_mismatch. Call once, after the last block.
  Result<AzurePut> finish(const ContentHashes& expected);

 private:
  const Blob& blob_;
  const std::size_t block_bytes_;
  std::unique_ptr<ByteReader> reader_;
  ContentHasher hasher_;
  std::uint64_t size_ = 0;
};

// Names for the blocks of one put, by which no other put of the same blob can take them for its own.
class BlockList {
 public:
  BlockList();
  // The next block's id, in Base64 as Azure wants it.
  const std::string& add();
  // The body of the request that commits them all, in their order.
  std::string document() const;

 private:
  const std::string put_id_;
  std::vector<std::string> ids_;
};

}  // namespace imgimport
