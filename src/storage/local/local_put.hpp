// The answer of the storage service's own PUT route: how it is written, and how the holder of a ticket reads it. Pure.
#pragma once

#include "imgimport/error.hpp"
#include "imgimport/http.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/object_store.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

// 201 with {"size", "etag", "sha256", "md5"}.
HttpResponse local_put_answer(const ObjectInfo& info);

// The usual error shape. The class of the error goes along in X-Error-Class, since several share a status; a fault of
// the bytes (kCorrupt) is the sender's here, and told in full: 400.
HttpResponse local_put_refusal(const Error& error, const HttpRequest& request);

// What local_put_answer or local_put_refusal said; kUnavailable (unexpected_answer): something else answered.
Result<ObjectInfo> local_put_result(const HttpClientResponse& answer);

}  // namespace imgimport
