// The right to put one object onto the local disk through the storage service: the service's own upload tickets. A
// ticket is a URL that carries the whole plan (key, size, type, hashes, an end) and a MAC over all of it, under a
// secret made at start: it cannot be changed, and whoever has it needs no other right. Tickets end with the process
// that issued them.
//
// Threading: const after construction. Pure apart from the secret.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "imgimport/http.hpp"
#include "imgimport/object_store.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// Where the storage service takes them: PUT /internal/v1/objects/<key>?…
inline constexpr std::string_view kObjectsPath = "/internal/v1/objects/";
inline constexpr std::chrono::minutes kLocalTicketLife{30};

class LocalTickets {
 public:
  LocalTickets();

  UploadTicket issue(const PlannedPut& plan, Timestamp now) const;

  // The plan that a request's ticket stands for. kPermissionDenied: bad_ticket (none, changed, or another process's),
  // ticket_expired.
  Result<PlannedPut> redeem(const ObjectKey& key, const HttpRequest& request, Timestamp now) const;

 private:
  std::string mac_of(const PlannedPut& plan, std::string_view expires) const;

  const std::string secret_;
};

}  // namespace imgimport
