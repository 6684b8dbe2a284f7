// What requests carry in path, query and headers, read and checked. Errors are kInvalidArgument with reason
// "bad_parameter" and name the parameter, what it must be and what it was. Pure functions.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "imgimport/http.hpp"
#include "imgimport/ids.hpp"
#include "imgimport/image.hpp"
#include "imgimport/job.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct NumberParameter {
  std::string_view name;
  std::int64_t least = 1;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::int64_t otherwise = 0;  // when the request does not have it, or it is empty
};

// A whole number of the query.
Result<std::int64_t> number_parameter(const HttpRequest& request, const NumberParameter& parameter);

// A UUID in any case; lower case in the result. `name` is what the sentence calls it.
Result<JobId> job_id_from(std::string_view text, std::string_view name);
// The route's {job_id}.
Result<JobId> job_id_argument(const HttpRequest& request);
// The route's {id} of an image. kNotFound: a whole number that no image has.
Result<ImageId> image_id_argument(const HttpRequest& request);

// storage_provider, q, job_id, folder, camera, taken_after and taken_before of the query; each may be absent or empty.
Result<ImageQuery> image_query(const HttpRequest& request);
// The query's cursor: the next_cursor of an earlier list of images; nullopt when absent or empty.
Result<std::optional<ImageId>> image_cursor(const HttpRequest& request);
// Text in UTF-8, of some length at most; empty when absent.
Result<std::string> text_parameter(const HttpRequest& request, std::string_view name);
// The query's state; nullopt when absent or empty.
Result<std::optional<ItemState>> state_parameter(const HttpRequest& request);

// The Idempotency-Key header: up to 255 visible ASCII characters; empty when absent.
Result<std::string> idempotency_key(const HttpRequest& request);

}  // namespace imgimport
