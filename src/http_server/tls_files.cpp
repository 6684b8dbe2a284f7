#include "http_server/tls_files.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <system_error>

namespace imgimport {
namespace {

// OpenSSL's own text where it has one; the first of the queue is the cause.
std::string last_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  const bool is_no_pem = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  return text == nullptr || is_no_pem ? "it holds nothing of the kind in PEM format" : text;
}

Error unusable(std::string_view what, const std::string& path, const std::string& why, std::string reason) {
  const bool is_mismatch = reason == "tls_mismatch";
  return Error(ErrorCode::kMisconfigured, "the " + std::string(what) + " " + path + " cannot be used: " + why)
      .with_reason(std::move(reason))
      .with_remedy(is_mismatch ? "Give the key that the certificate was made for."
                               : "Give a PEM file that this user can read.");
}

Error mismatched(const TlsFiles& files) {
  ERR_clear_error();
  return unusable("TLS key file", files.private_key, "it is not the key of the certificate " + files.certificate_chain,
                  "tls_mismatch");
}

// Tells a missing or forbidden file from a wrong one, which OpenSSL's errors do not.
std::string why_unreadable(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return std::generic_category().message(errno);
  std::fclose(file);
  return {};
}

// Without this, OpenSSL would ask on the terminal.
int no_pass_phrase(char*, int, int, void*) {
  return -1;
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned int in_size, void*) {
  static constexpr std::array<unsigned char, 9> kOurs{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOurs.data(), kOurs.size(), in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

void TlsContextDeleter::operator()(ssl_ctx_st* context) const noexcept {
  SSL_CTX_free(context);
}

Result<TlsContext> load_tls(const TlsFiles& files) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (!context) return Error(ErrorCode::kInternal, "no TLS context: " + last_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_default_passwd_cb(context.get(), no_pass_phrase);
  SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);

  if (const auto why = why_unreadable(files.certificate_chain); !why.empty()) {
    return unusable("TLS certificate file", files.certificate_chain, why, "tls_certificate");
  }
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate_chain.c_str()) != 1) {
    return unusable("TLS certificate file", files.certificate_chain, last_error(), "tls_certificate");
  }
  if (const auto why = why_unreadable(files.private_key); !why.empty()) {
    return unusable("TLS key file", files.private_key, why, "tls_key");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const auto code = ERR_peek_error();
    const bool mismatch =
        ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH || ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH;
    if (mismatch) return mismatched(files);
    return unusable("TLS key file", files.private_key, last_error(), "tls_key");
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) return mismatched(files);
  return context;
}

}  // namespace imgimport
