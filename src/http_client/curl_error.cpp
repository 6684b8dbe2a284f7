#include "http_client/curl_error.hpp"

#include <curl/curl.h>

#include <system_error>

#include "http_client/redact.hpp"

namespace imgimport {
namespace {

// libcurl says host and port once more, and "Couldn't connect to server" where the system knows better: refused, no
// route. Of a proxy its words are kept, for they name it.
bool only_says_that_it_failed(const CurlFailure& failure) {
  const std::size_t colon = failure.host_port.rfind(':');
  if (failure.code != CURLE_COULDNT_CONNECT || failure.os_error == 0 || colon == std::string_view::npos) return false;
  const std::string said = "Failed to connect to " + std::string(failure.host_port.substr(0, colon)) + " port " +
                           std::string(failure.host_port.substr(colon + 1)) + " ";
  return failure.detail.empty() || failure.detail.starts_with(said);
}

std::string detail_of(const CurlFailure& failure) {
  if (only_says_that_it_failed(failure)) return std::generic_category().message(failure.os_error);
  if (!failure.detail.empty()) return redact_secrets(failure.detail);
  return curl_easy_strerror(static_cast<CURLcode>(failure.code));
}

std::string sentence(std::string_view start, const CurlFailure& failure, std::string_view end) {
  std::string text(start);
  text += failure.host_port;
  text += end;
  text += detail_of(failure);
  return text;
}

Error not_connected(const CurlFailure& failure) {
  Error error(ErrorCode::kUnavailable, sentence("connecting to ", failure, " failed: "));
  switch (failure.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return std::move(error)
          .with_reason("host_not_resolved")
          .with_remedy("Check the host name and this machine's DNS.");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return std::move(error)
          .with_reason("certificate_not_trusted")
          .with_remedy(
              "Check this machine's clock, and that the authority that signed the certificate is in the CA file "
              "(SSL_CERT_FILE or CURL_CA_BUNDLE).");
    case CURLE_OPERATION_TIMEDOUT:
      return std::move(error).with_reason("connect_timeout");
    case CURLE_SSL_CONNECT_ERROR:
      return std::move(error).with_reason("tls_failed");
    default:
      return std::move(error).with_reason("connect_failed");
  }
}

}  // namespace

Error translate(const CurlFailure& failure) {
  switch (failure.code) {
    case CURLE_URL_MALFORMAT:
      return Error(ErrorCode::kInvalidArgument, sentence("the URL for ", failure, " is wrong: "))
          .with_reason("bad_url");
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CRL_BADFILE:
      return Error(ErrorCode::kMisconfigured, sentence("connecting to ", failure, " failed: "))
          .with_reason("ca_file_unreadable")
          .with_remedy(
              "SSL_CERT_FILE, SSL_CERT_DIR or CURL_CA_BUNDLE must name a readable file of CA certificates in PEM.");
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
      return Error(ErrorCode::kInternal, sentence("a request to ", failure, " could not be made: "));
    default:
      break;
  }
  if (!failure.connected) return not_connected(failure);
  switch (failure.code) {
    case CURLE_PARTIAL_FILE:
      return Error(ErrorCode::kUnavailable, sentence("", failure, " ended its answer early: "))
          .with_reason("body_cut_short");
    case CURLE_GOT_NOTHING:
      return Error(ErrorCode::kUnavailable, sentence("", failure, " closed the connection without an answer: "))
          .with_reason("connection_broken");
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // HTTP/0.9: a body without a head
      return Error(ErrorCode::kUnavailable, sentence("", failure, " did not answer in HTTP: ")).with_reason("not_http");
    default:
      return Error(ErrorCode::kUnavailable, sentence("the connection to ", failure, " broke: "))
          .with_reason("connection_broken");
  }
}

}  // namespace imgimport
