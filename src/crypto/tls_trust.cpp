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

void count_record(int is_written, int, int content_type, const void*, std::size_t, SSL*, void* records_read) {
  if (is_written == 0 && content_type == SSL3_RT_HEADER) ++*static_cast<std::uint64_t*>(records_read);
}

// By default OpenSSL asks the socket for each record's five bytes of head and then for its body, and libcurl has it
// give its buffers back after each record: eleven calls and five allocations for an image of 64 KiB.
void read_in_large_pieces(SSL_CTX* context, std::uint64_t* records_read) {
  constexpr std::size_t kReadBuffer = 36 << 10;  // two records of 16 KiB: what is left of more would be moved each time
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBuffer);
  SSL_CTX_clear_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_msg_callback(context, count_record);
  SSL_CTX_set_msg_callback_arg(context, records_read);
}

class Trust {
 public:
  explicit Trust(TlsTrustOptions options) : options_(std::move(options)) {}

  bool attach(void* ssl_context, std::uint64_t* records_read) {
    X509_STORE* const store = loaded();
    if (store == nullptr) return false;
    auto* const context = static_cast<SSL_CTX*>(ssl_context);
    SSL_CTX_set1_cert_store(context, store);
    read_in_large_pieces(context, records_read);
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

std::function<bool(void*, std::uint64_t*)> shared_tls_trust(TlsTrustOptions options) {
  return [trust = std::make_shared<Trust>(std::move(options))](void* ssl_context, std::uint64_t* records_read) {
    return trust->attach(ssl_context, records_read);
  };
}

}  // namespace imgimport
