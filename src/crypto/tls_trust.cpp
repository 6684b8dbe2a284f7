#include "crypto/tls_trust.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <mutex>
#include <utility>

namespace imgimport {
namespace {

struct FreeStore {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
using Store = std::unique_ptr<X509_STORE, FreeStore>;

Store load(const TlsTrustOptions& options) {
  Store store(X509_STORE_new());
  if (!store) return nullptr;
  bool found = false;
  if (!options.ca_file.empty()) found |= X509_STORE_load_file(store.get(), options.ca_file.c_str()) == 1;
  if (!options.ca_directory.empty()) found |= X509_STORE_load_path(store.get(), options.ca_directory.c_str()) == 1;
  ERR_clear_error();
  if (!found) return nullptr;
  // As curl does: an intermediate authority may be trusted without its root, and an own copy beats what the server
  // sends.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

class Trust {
 public:
  explicit Trust(TlsTrustOptions options) : options_(std::move(options)) {}

  bool attach(void* ssl_context) {
    X509_STORE* const store = loaded();
    if (store == nullptr) return false;
    SSL_CTX_set1_cert_store(static_cast<SSL_CTX*>(ssl_context), store);
    return true;
  }

 private:
  X509_STORE* loaded() {
    const std::lock_guard lock(mutex_);
    if (!store_) store_ = load(options_);
    return store_.get();
  }

  const TlsTrustOptions options_;
  std::mutex mutex_;
  Store store_;  // guarded by mutex_; never replaced once there
};

}  // namespace

std::function<bool(void*)> shared_tls_trust(TlsTrustOptions options) {
  return
      [trust = std::make_shared<Trust>(std::move(options))](void* ssl_context) { return trust->attach(ssl_context); };
}

}  // namespace imgimport
