// The storage service's methods as calls between services: ObjectStore but for put, which goes by ticket, and
// Thumbnails. What each means, and its errors, is said there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "imgimport/object_store.hpp"
#include "imgimport/thumbnails.hpp"
#include "rest/contract_types.hpp"
#include "rest/protocol.hpp"
#include "rest/wire.hpp"

namespace imgimport::storage_call {

struct KeyRequest {
  ObjectKey key;
};
template <class Wire, Described<KeyRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("key", request.key);
}

struct TicketsRequest {
  std::vector<PlannedPut> plans;
};
template <class Wire, Described<TicketsRequest> T>
void describe(Wire& wire, T& request) {
  wire.field("plans", request.plans);
}

struct LinkRequest {
  ObjectKey key;
  LinkOptions options;
};
template <class Wire, Described<LinkRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("key", request.key);
  wire.field("options", request.options);
}

inline constexpr ServiceMethod<Nothing, StorePlace> kPlace{.path = "/internal/v1/storage/place", .repeatable = true};
inline constexpr ServiceMethod<Nothing, Nothing> kFlush{.path = "/internal/v1/storage/flush", .repeatable = true};
inline constexpr ServiceMethod<KeyRequest, ObjectInfo> kHead{.path = "/internal/v1/storage/head", .repeatable = true};
inline constexpr ServiceMethod<KeyRequest, ObjectInfo> kInspect{.path = "/internal/v1/storage/inspect",
                                                                .repeatable = true};
inline constexpr ServiceMethod<KeyRequest, Nothing> kRemove{.path = "/internal/v1/storage/remove", .repeatable = true};
inline constexpr ServiceMethod<TicketsRequest, std::vector<UploadTicket>> kTickets{
    .path = "/internal/v1/storage/tickets", .repeatable = true};
inline constexpr ServiceMethod<LinkRequest, std::string> kLink{.path = "/internal/v1/storage/link", .repeatable = true};

// get(): GET <path>/<key>?first=&last=&suffix= answers with the bytes, and says what they are in one header.
inline constexpr std::string_view kContentPath = "/internal/v1/storage/content/";
inline constexpr std::string_view kContentHeader = "X-Imgimport-Content";
struct ContentFacts {
  ObjectInfo info;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
template <class Wire, Described<ContentFacts> T>
void describe(Wire& wire, T& facts) {
  wire.field("info", facts.info);
  wire.field("offset", facts.offset);
  wire.field("length", facts.length);
}

// Thumbnails::find() and make(): GET <path>/<key>?w=&version=&type= (and kept=1 for find) answers with the bytes, if
// there are any, and says what they are in one header.
inline constexpr std::string_view kThumbnailPath = "/internal/v1/storage/thumbnail/";
inline constexpr std::string_view kThumbnailHeader = "X-Imgimport-Thumbnail";
struct ThumbnailFacts {
  bool is_kept = false;  // false: nothing is, and the body is empty
  std::string content_type;
};
template <class Wire, Described<ThumbnailFacts> T>
void describe(Wire& wire, T& facts) {
  wire.field("is_kept", facts.is_kept);
  wire.field("content_type", facts.content_type);
}
inline constexpr ServiceMethod<KeyRequest, Nothing> kForgetThumbnails{.path = "/internal/v1/storage/forget-thumbnails",
                                                                      .repeatable = true};

}  // namespace imgimport::storage_call
