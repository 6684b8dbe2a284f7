#include "http_server/response_head.hpp"

#include <array>
#include <charconv>

#include "base/text.hpp"

namespace imgimport {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// A value with a line break in it (a file's name from outside) would let its author write headers of their own.
void append_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    out += (byte < 0x20 && c != '\t') || byte == 0x7f ? ' ' : c;
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  append_value(out, value);
  out.append("\r\n");
}

bool is_token(std::string_view name) noexcept {
  for (const char c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    if (!fits) return false;
  }
  return !name.empty();
}

bool belongs_to_connection(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 7> kNames{
      "Connection", "Content-Length", "Transfer-Encoding", "Keep-Alive", "Date", "Server", "X-Request-Id"};
  for (const std::string_view own : kNames) {
    if (equals_ignore_case(own, name)) return true;
  }
  return false;
}

}  // namespace

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

bool status_has_body(int status) noexcept {
  return status >= 200 && status != 204 && status != 304;
}

void append_response_head(std::string& out, const HttpResponse& response, const ResponseFrame& frame,
                          std::string_view date) {
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(response.status));
  out.append(" ").append(reason_phrase(response.status)).append("\r\n");
  out.append("Server: imgimport\r\nDate: ").append(date).append("\r\n");
  if (!frame.request_id.empty()) append_field(out, "X-Request-Id", frame.request_id);
  for (const auto& [name, value] : response.headers.all()) {
    if (!belongs_to_connection(name) && is_token(name)) append_field(out, name, value);
  }
  const auto named_length = response.headers.find("Content-Length");
  if (frame.head_only && named_length) {
    append_field(out, "Content-Length", *named_length);
  } else if (frame.content_length) {
    out.append("Content-Length: ");
    append_number(out, *frame.content_length);
    out.append("\r\n");
  } else if (frame.chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  if (!frame.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (!frame.http_1_1) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

void append_piece(std::string& out, std::string_view data, bool chunked) {
  if (data.empty()) return;
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
  if (chunked) out.append(size.data(), end).append("\r\n");
  out.append(data);
  if (chunked) out.append("\r\n");
}

}  // namespace imgimport
