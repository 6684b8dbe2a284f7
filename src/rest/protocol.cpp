#include "rest/protocol.hpp"

#include <cstdint>

#include "base/http_error.hpp"
#include "base/json_writer.hpp"
#include "rest/wire.hpp"

namespace imgimport {
namespace {

// As encoded; those three at the end are for services, the others for people.
struct WireError {
  std::string error;
  std::string code;
  std::string remedy;
  ErrorCode error_class{};
  std::string reason;
  std::optional<std::int64_t> retry_after_ms;
};

template <class Wire, Described<WireError> T>
void describe(Wire& wire, T& error) {
  wire.field("error", error.error);
  wire.field("code", error.code);
  wire.field("remedy", error.remedy);
  wire.field("class", error.error_class);
  wire.field("reason", error.reason);
  wire.field("retry_after_ms", error.retry_after_ms);
}

bool is_known(ErrorCode code) {
  return code >= ErrorCode::kCancelled && code <= ErrorCode::kInternal;
}

}  // namespace

std::string encode_error(const Error& error, std::string_view request_id) {
  JsonWriter json;
  json.begin_object();
  json.field("error", error.message());
  json.field("code", error.reason_or_code());
  json.field("remedy", error.remedy());
  json.field("request_id", request_id);
  json.field("class", static_cast<int>(error.code()));
  json.field("reason", error.reason());
  if (error.retry_after()) json.field("retry_after_ms", error.retry_after()->count());
  json.end_object();
  return json.take();
}

std::optional<Error> decode_error(std::string_view body) {
  auto wire = decode<WireError>(body);
  if (!wire.has_value() || !is_known(wire->error_class)) return std::nullopt;
  Error error(wire->error_class, std::move(wire->error));
  if (!wire->reason.empty()) error = std::move(error).with_reason(std::move(wire->reason));
  if (!wire->remedy.empty()) error = std::move(error).with_remedy(std::move(wire->remedy));
  if (wire->retry_after_ms) {
    error = std::move(error).with_retry_after(std::chrono::milliseconds(*wire->retry_after_ms));
  }
  return error;
}

void set_deadline(HttpHeaders& headers, const CallContext& context) {
  const auto left = context.remaining();
  if (left != std::chrono::milliseconds::max()) headers.set(kDeadlineHeader, std::to_string(left.count()));
}

}  // namespace imgimport
