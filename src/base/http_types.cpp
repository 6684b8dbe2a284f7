#include <stdexcept>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

std::string_view to_string(HttpMethod method) noexcept {
  switch (method) {
    case HttpMethod::kGet:
      return "GET";
    case HttpMethod::kHead:
      return "HEAD";
    case HttpMethod::kPost:
      return "POST";
    case HttpMethod::kPut:
      return "PUT";
    case HttpMethod::kDelete:
      return "DELETE";
    case HttpMethod::kOptions:
      return "OPTIONS";
    case HttpMethod::kPatch:
      return "PATCH";
    case HttpMethod::kOther:
      return "OTHER";
  }
  return "OTHER";
}

void HttpHeaders::set(std::string_view name, std::string value) {
  std::erase_if(fields_, [&](const auto& field) { return equals_ignore_case(field.first, name); });
  add(name, std::move(value));
}

void HttpHeaders::add(std::string_view name, std::string value) {
  fields_.emplace_back(std::string(name), std::move(value));
}

std::optional<std::string_view> HttpHeaders::find(std::string_view name) const noexcept {
  for (const auto& [field, value] : fields_) {
    if (equals_ignore_case(field, name)) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> HttpRequest::query_value(std::string_view name) const noexcept {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

const std::string& HttpRequest::path_arg(std::string_view name) const {
  for (const auto& [key, value] : path_args) {
    if (key == name) return value;
  }
  throw std::logic_error("the route has no {" + std::string(name) + "}");
}

HttpResponder::HttpResponder(Send send) : send_(std::move(send)) {}

HttpResponder::HttpResponder(HttpResponder&& other) noexcept : send_(std::exchange(other.send_, nullptr)) {}

HttpResponder& HttpResponder::operator=(HttpResponder&& other) noexcept {
  HttpResponder replaced(std::move(*this));
  send_ = std::exchange(other.send_, nullptr);
  return *this;
}

HttpResponder::~HttpResponder() {
  if (!send_) return;
  log_error("a request got no reply", {{"error", "a handler let go of its reply without sending one"}});
  // The server gives an error without a body the usual shape, with the request's id.
  std::exchange(send_, nullptr)(HttpResponse{.status = 500, .headers = {}, .body = {}, .close_connection = false});
}

void HttpResponder::send(HttpResponse response) {
  if (!send_) {
    log_error("a reply was sent twice", {{"status", response.status}});
    return;
  }
  std::exchange(send_, nullptr)(std::move(response));
}

}  // namespace imgimport
