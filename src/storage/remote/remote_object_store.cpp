#include "storage/remote/remote_object_store.hpp"

#include <string>
#include <utility>

#include "base/object_key.hpp"
#include "base/text.hpp"
#include "storage/remote/storage_calls.hpp"

namespace imgimport {

using namespace storage_call;

namespace {

std::string content_target(const ObjectKey& key, const std::optional<ByteRange>& range) {
  std::string target = std::string(kContentPath) + percent_encode_path(key.value());
  if (!range) return target;
  if (range->suffix) return target + "?suffix=" + std::to_string(*range->suffix);
  target += "?first=" + std::to_string(range->first);
  if (range->last) target += "&last=" + std::to_string(*range->last);
  return target;
}

}  // namespace

Result<StorePlace> RemoteObjectStore::place(const CallContext& context) {
  // A service that was away may have been started anew, with other settings.
  const bool answers = service_.trouble().empty();
  {
    const std::lock_guard lock(mutex_);
    if (place_ && answers) return *place_;
  }
  IMGIMPORT_ASSIGN_OR_RETURN(StorePlace place, service_.call(context, kPlace, Nothing{}));
  const std::lock_guard lock(mutex_);
  place_ = place;
  return place;
}

Result<ObjectInfo> RemoteObjectStore::put(const CallContext&, const ObjectKey&, const Blob&, const PutOptions&) {
  return Error(ErrorCode::kUnsupported, "the storage service takes no bytes from other services but by upload ticket");
}

Result<void> RemoteObjectStore::flush(const CallContext& context) {
  return service_.call(context, kFlush, Nothing{});
}

Result<ObjectInfo> RemoteObjectStore::head(const CallContext& context, const ObjectKey& key) {
  return service_.call(context, kHead, KeyRequest{key});
}

Result<ObjectInfo> RemoteObjectStore::inspect(const CallContext& context, const ObjectKey& key) {
  return service_.call(context, kInspect, KeyRequest{key});
}

Result<ObjectContent> RemoteObjectStore::get(const CallContext& context, const ObjectKey& key,
                                             const std::optional<ByteRange>& range) {
  // A path with dots in it would be another one by the time that it is sent.
  IMGIMPORT_RETURN_IF_ERROR(check_object_key(key));
  IMGIMPORT_ASSIGN_OR_RETURN(auto download, service_.open(context, content_target(key, range)));
  const auto text = download->headers().find(kContentHeader);
  if (!text) return bad_message(" says nothing of the object");
  IMGIMPORT_ASSIGN_OR_RETURN(ContentFacts facts, decode<ContentFacts>(*text));
  ObjectContent content;
  content.info = std::move(facts.info);
  content.offset = facts.offset;
  content.length = facts.length;
  content.reader = std::move(download);
  return content;
}

Result<void> RemoteObjectStore::remove(const CallContext& context, const ObjectKey& key) {
  return service_.call(context, kRemove, KeyRequest{key});
}

Result<std::vector<UploadTicket>> RemoteObjectStore::tickets(const CallContext& context,
                                                             std::span<const PlannedPut> plans) {
  return service_.call(context, kTickets, TicketsRequest{{plans.begin(), plans.end()}});
}

Result<std::string> RemoteObjectStore::link(const CallContext& context, const ObjectKey& key,
                                            const LinkOptions& options) {
  return service_.call(context, kLink, LinkRequest{key, options});
}

}  // namespace imgimport
