// Where images go: a bucket of objects under keys. Implementations: local disk, S3, Azure Blob, one that uploads by
// tickets of another store, memory (tests).
//
// Threading: every method may be called from any number of threads at once, on different keys or the same; the last
// put wins whole: a reader sees the old object or the new one, never a mixture or a part. All methods block.
// Errors common to all: kUnavailable, kRateLimited, kMisconfigured, kOutOfSpace (put), kCancelled, kDeadlineExceeded.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "imgimport/blob.hpp"
#include "imgimport/call_context.hpp"
#include "imgimport/clock.hpp"
#include "imgimport/http.hpp"
#include "imgimport/ids.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Which place a record points into: records are unique per place and Drive id.
struct StorePlace {
  std::string provider;  // "local", "aws", "azure"
  std::string bucket;    // bucket or container; empty for local
  std::string prefix;    // key prefix without slashes at its ends; may be empty
  friend auto operator<=>(const StorePlace&, const StorePlace&) = default;
};

struct PutOptions {
  std::string content_type;
  // What the bytes must hash to: the store refuses anything else with kCorrupt (reason checksum_mismatch). The
  // strongest one known is checked: sha256, else md5. All empty: nothing to check against.
  ContentHashes expected;
};

struct ObjectInfo {
  std::uint64_t size_bytes = 0;
  std::string etag;      // without quotes
  ContentHashes hashes;  // those that the store knows, from the put or from its own records
  std::string version_id;
  std::optional<Timestamp> modified_at;
};

// Bytes first..last, both inclusive, as in an HTTP Range; `last` nullopt = to the end; `suffix`: the last N bytes.
struct ByteRange {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> last;
  std::optional<std::uint64_t> suffix;
};

struct ObjectContent {
  ObjectInfo info;           // of the whole object
  std::uint64_t offset = 0;  // of the first byte that `reader` gives
  std::uint64_t length = 0;  // how many bytes it gives
  std::unique_ptr<ByteReader> reader;
};

// A put that somebody else will do, who holds no credential.
struct PlannedPut {
  ObjectKey key;
  std::optional<std::uint64_t> size_bytes;  // bound by the ticket where the store can and it is known
  PutOptions options;
};

// The right to do one put, as an HTTP request: PUT the bytes to `url` with exactly these headers. It binds all of the
// plan that the store can bind. Holds a signature: never log it.
struct UploadTicket {
  ObjectKey key;
  std::string url;  // beginning with "/": relative to the storage service itself
  HttpHeaders headers;
  Timestamp expires_at;
};

// For a link that a browser follows.
struct LinkOptions {
  std::string content_type;         // what the answer shall say; empty = what was put
  std::string content_disposition;  // likewise
  std::chrono::seconds valid_for{300};
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Constant for the life of the store. Fails only where it has to be asked of another process first, with the
  // transient errors of a call.
  virtual Result<StorePlace> place(const CallContext& context) = 0;

  // Puts that will come within minutes, as far as they are known: a store that has to ask somebody for the right to put
  // asks once for all of them. Optional; a put that was not announced, or otherwise, works as well.
  virtual Result<void> announce(const CallContext& context, std::span<const PlannedPut> plans) {
    (void)plans;
    return context.check();
  }

  // Stores the blob's content under `key`, replacing what was there. On success the whole content is visible, and its
  // hash has been checked. On an error the key holds what it held before; but where the answer is missing
  // (kUnavailable, kDeadlineExceeded, kCancelled), a store behind a network may carry it out later. Safe to repeat. The
  // returned info always carries size and, where it was computed on the way or verified, sha256 / md5. kCorrupt:
  // checksum_mismatch, or the blob gave fewer or more bytes than its size. An error of the blob's reader is passed on
  // as it is. kInvalidArgument: the key is not one (empty, a "." or ".." segment, NUL, too long).
  virtual Result<ObjectInfo> put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                                 const PutOptions& options) = 0;

  // When it returns, every object whose put returned before the call survives a power cut. Called once for a group of
  // objects, before their records are written. A cloud store has nothing to do.
  virtual Result<void> flush(const CallContext& context) = 0;

  // kNotFound: no such object.
  virtual Result<ObjectInfo> head(const CallContext& context, const ObjectKey& key) = 0;

  // As head, with the strongest checksum of the stored bytes that the store can name without sending them: what the
  // bucket keeps, or, on a local disk, what the file hashes to now. Hashes that it cannot vouch for are empty.
  virtual Result<ObjectInfo> inspect(const CallContext& context, const ObjectKey& key) = 0;

  // kNotFound; kInvalidArgument with reason range_not_satisfiable: the range begins behind the end.
  virtual Result<ObjectContent> get(const CallContext& context, const ObjectKey& key,
                                    const std::optional<ByteRange>& range) = 0;

  // Removing what is not there succeeds: safe to repeat.
  virtual Result<void> remove(const CallContext& context, const ObjectKey& key) = 0;

  // One ticket per plan, in order; no request per ticket. They live for at least ten minutes. kUnsupported: puts into
  // this store cannot be handed out; kMisconfigured: not with these credentials.
  virtual Result<std::vector<UploadTicket>> tickets(const CallContext& context, std::span<const PlannedPut> plans) = 0;

  // A URL that reads the object without further credentials for a while. It is not checked that the object is there.
  // kUnsupported: this store has none; get() is the way.
  virtual Result<std::string> link(const CallContext& context, const ObjectKey& key, const LinkOptions& options) = 0;
};

}  // namespace imgimport
