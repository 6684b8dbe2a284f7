// The import service's methods as calls between services. What each means, and its errors, is said at ImportService.
#pragma once

#include <cstdint>

#include "imgimport/import_service.hpp"
#include "rest/contract_types.hpp"
#include "rest/protocol.hpp"
#include "rest/wire.hpp"

namespace imgimport {

template <class Wire, Described<ImportRequest> T>
void describe(Wire& wire, T& request) {
  wire.field("folder_url", request.folder_url);
  wire.field("recursive", request.recursive);
  wire.field("dry_run", request.dry_run);
  wire.field("filters", request.filters);
  wire.field("idempotency_key", request.idempotency_key);
  wire.field("look_up_within", request.look_up_within);
}

template <class Wire, Described<ImportService::Submitted> T>
void describe(Wire& wire, T& submitted) {
  wire.field("job", submitted.job);
  wire.field("existed", submitted.existed);
}

template <class Wire, Described<ImportProgress> T>
void describe(Wire& wire, T& progress) {
  wire.field("job", progress.job);
  wire.field("images_per_second", progress.images_per_second);
  wire.field("eta_seconds", progress.eta_seconds);
  wire.field("drive_units", progress.drive_units);
  wire.field("hindrance", progress.hindrance);
}

template <class Wire, Described<QueueState> T>
void describe(Wire& wire, T& state) {
  wire.field("waiting", state.waiting);
  wire.field("leased", state.leased);
  wire.field("workers", state.workers);
  wire.field("images_per_second", state.images_per_second);
}

namespace import_call {

struct JobRequest {
  JobId job;
};
template <class Wire, Described<JobRequest> T>
void describe(Wire& wire, T& request) {
  wire.required("job", request.job);
}

// With an idempotency key it may be sent twice.
inline constexpr ServiceMethod<ImportRequest, ImportService::Submitted> kSubmit{.path = "/internal/v1/import/submit"};
inline constexpr ServiceMethod<ImportRequest, ImportService::Submitted> kSubmitAgain{
    .path = "/internal/v1/import/submit", .repeatable = true};
inline constexpr ServiceMethod<JobRequest, ImportProgress> kProgress{.path = "/internal/v1/import/progress",
                                                                     .repeatable = true};
inline constexpr ServiceMethod<JobRequest, Job> kCancel{.path = "/internal/v1/import/cancel", .repeatable = true};
inline constexpr ServiceMethod<JobRequest, std::int64_t> kRetry{.path = "/internal/v1/import/retry"};
inline constexpr ServiceMethod<Nothing, QueueState> kQueueState{.path = "/internal/v1/import/queue",
                                                                .repeatable = true};

}  // namespace import_call

}  // namespace imgimport
