// Objects as plain files: DATA_DIR/objects/<key>, and nothing else below objects/.
//
// A put writes to DATA_DIR/incoming first, checks size and hash, and renames the file into its place: a reader sees an
// old object, a new one, or none. Nothing is synced per file; flush() makes durable all that was put before it. What a
// power cut takes from an object that was not flushed has no record yet, and is written again.
//
// Several processes may share one DATA_DIR. Symbolic links below objects/ are refused, never followed.
//
// Threading: as ObjectStore says. A put holds at most two descriptors, and streams through a buffer of 256 KiB that its
// thread keeps.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "imgimport/clock.hpp"
#include "imgimport/object_store.hpp"
#include "storage/local/incoming_folder.hpp"
#include "storage/local/local_tickets.hpp"
#include "storage/local/posix_file.hpp"
#include "storage/local/sync_group.hpp"

namespace imgimport {

class ContentCheck;

class LocalStore final : public ObjectStore {
 public:
  // Creates DATA_DIR, objects/ and incoming/ where they are missing, and removes what dead processes left half-written.
  // kMisconfigured: no right to write, read-only, a file in place of a folder, objects/ and incoming/ on different file
  // systems. kOutOfSpace. The message names the folder, the remedy the setting.
  // `prefix` is what place() says; keys hold it already. REQUIRES: the clock, by which tickets end, outlives the store.
  static Result<std::unique_ptr<LocalStore>> open(const std::filesystem::path& data_dir, const Clock& clock,
                                                  std::string prefix = {});

  Result<StorePlace> place(const CallContext&) override { return place_; }
  // Besides the contract's errors, kConflict: a folder lies where the object belongs, an object where its folder
  // belongs, or a symbolic link on the way.
  Result<ObjectInfo> put(const CallContext& context, const ObjectKey& key, const Blob& blob,
                         const PutOptions& options) override;
  // One syncfs() of the file system, shared by all who wait. kUnavailable: the disk failed to take something; what was
  // put since the last good flush must be put again.
  Result<void> flush(const CallContext& context) override;
  // ETags come from the file's inode, size and time of writing: every put makes another, and so does whoever edits the
  // file. Hashes are not known.
  Result<ObjectInfo> head(const CallContext& context, const ObjectKey& key) override;
  Result<ObjectInfo> inspect(const CallContext& context, const ObjectKey& key) override;
  Result<ObjectContent> get(const CallContext& context, const ObjectKey& key,
                            const std::optional<ByteRange>& range) override;
  // Takes the folders along that become empty.
  Result<void> remove(const CallContext& context, const ObjectKey& key) override;
  // For the storage service's own PUT route (LocalUploadRoutes), which checks them against issued_tickets().
  Result<std::vector<UploadTicket>> tickets(const CallContext& context, std::span<const PlannedPut> plans) override;
  Result<std::string> link(const CallContext& context, const ObjectKey& key, const LinkOptions& options) override;

  const LocalTickets& issued_tickets() const noexcept { return tickets_; }

 private:
  LocalStore(std::string prefix, UniqueFd objects, std::unique_ptr<IncomingFolder> incoming, const Clock& clock);

  class HalfWritten;
  bool has_room(std::uint64_t bytes) const;
  Result<HalfWritten> create_half_written();
  Result<void> copy_stream(const CallContext& context, const Blob& blob, ContentCheck& check, const HalfWritten& file);
  Result<void> move_into_place(HalfWritten& file, const std::string& key);
  bool move_into_new_folders(HalfWritten& file, const std::string& key);
  UniqueFd open_or_create_folder(std::string_view path);
  void remove_empty_folders(std::string_view path);

  const StorePlace place_;
  const UniqueFd objects_;
  const std::unique_ptr<IncomingFolder> incoming_;
  SyncGroup sync_;
  const LocalTickets tickets_;
  const Clock& clock_;
};

}  // namespace imgimport
