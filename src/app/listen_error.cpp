#include "app/listen_error.hpp"

#include <fmt/format.h>

namespace imgimport {
namespace {

std::string remedy_for(const Error& error, std::string_view port_variable) {
  const std::string& reason = error.reason();
  if (reason == "port_in_use") {
    return fmt::format("Stop the program that listens there, or set {} to another port (0 = pick one)", port_variable);
  }
  if (reason == "permission") return fmt::format("Set {} to a port from 1024 up", port_variable);
  if (reason == "address_not_available") {
    return "Set LISTEN_ADDRESS to an address of this machine: 127.0.0.1, 0.0.0.0 for all, or ::1";
  }
  if (reason == "tls_certificate") {
    return "Set TLS_CERT_FILE to a PEM file that this user can read: the server's certificate first, then its chain";
  }
  if (reason == "tls_key") {
    return "Set TLS_KEY_FILE to a PEM file that this user can read: the certificate's key, without a pass phrase";
  }
  if (reason == "tls_mismatch") {
    return "Set TLS_CERT_FILE and TLS_KEY_FILE to a certificate and the key that it was made for";
  }
  return error.remedy();
}

}  // namespace

// As port_of() reads them.
std::string port_variable(const ServerConfig& server, Role role, const RoleSet& roles) {
  if (server.port && roles.size() == 1 && roles.contains(role)) return "PORT";
  std::string name(to_string(role));
  for (char& c : name) c = static_cast<char>(c - 'a' + 'A');
  return name + "_PORT";
}

Error naming_the_setting(const Error& error, std::string_view port_variable) {
  return Error(error.code(), error.message()).with_reason(error.reason()).with_remedy(remedy_for(error, port_variable));
}

}  // namespace imgimport
