#include "support/tls_identity.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdexcept>

#include "support/rsa_key.hpp"

namespace imgimport::test {

TlsIdentity make_tls_identity(const std::string& host) {
  const std::string pem = make_ec_key_pem();
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  TlsIdentity made{Owned<EVP_PKEY>(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr)),
                   Owned<X509>(X509_new())};
  X509* const certificate = made.certificate.get();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate, name);
  if (X509_sign(certificate, made.key.get(), EVP_sha256()) == 0) throw std::runtime_error("no certificate was made");
  return made;
}

void TlsIdentity::write_certificate(const std::filesystem::path& path) const {
  const Owned<std::FILE> file(std::fopen(path.c_str(), "w"));
  if (!file || PEM_write_X509(file.get(), certificate.get()) != 1) throw std::runtime_error("no certificate written");
}

void TlsIdentity::write_key(const std::filesystem::path& path) const {
  const Owned<std::FILE> file(std::fopen(path.c_str(), "w"));
  if (!file || PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    throw std::runtime_error("no key written");
  }
}

Owned<SSL_CTX> TlsIdentity::server_context() const {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate(context.get(), certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  return context;
}

}  // namespace imgimport::test
