#include "http_client/curl_session.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "http_client/curl_client.hpp"
#include "http_client/curl_error.hpp"

namespace imgimport {
namespace {

// One recv() of libcurl; more than a socket usually holds, so that a step takes all there is.
constexpr long kReceiveBuffer = 128 << 10;
// Beyond it, libcurl is asked to pause; it may hold one more receive buffer itself.
constexpr std::size_t kSpillLimit = 128 << 10;
constexpr std::size_t kKeptSpill = 96 << 10;
// The largest body that memory is reserved for on the word of a Content-Length.
constexpr std::uint64_t kReserveLimit = 16u << 20;
// Bodies from here on are announced by "Expect: 100-continue", so that a refusal spares them.
constexpr std::uint64_t kExpectFrom = 1u << 20;
constexpr int kFirstFinalStatus = 200;

bool has_line_break(std::string_view text) {
  return text.find_first_of("\r\n") != std::string_view::npos;
}

}  // namespace

// libcurl calls these on the thread that drives the session, with the session as user data.
struct CurlSession::Callbacks {
  static CurlSession& of(void* user) { return *static_cast<CurlSession*>(user); }

  static std::size_t body(char* data, std::size_t size, std::size_t count, void* user) {
    return of(user).on_body(std::as_bytes(std::span(data, size * count)));
  }

  static std::size_t header(char* data, std::size_t size, std::size_t count, void* user) {
    of(user).on_header(std::string_view(data, size * count));
    return size * count;
  }

  static std::size_t upload(char* data, std::size_t size, std::size_t count, void* user) {
    return of(user).on_upload(std::as_writable_bytes(std::span(data, size * count)));
  }

  static int seek(void* user, curl_off_t offset, int origin) {
    // libcurl rewinds to the start only: when a kept connection turned out to be dead, or after a 417.
    if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
    return of(user).reopen_upload() ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
  }

  static int socket(CURL*, curl_socket_t fd, int what, void* user, void*) {
    EventWait& events = of(user).events_;
    switch (what) {
      case CURL_POLL_IN:
        events.watch(fd, POLLIN);
        break;
      case CURL_POLL_OUT:
        events.watch(fd, POLLOUT);
        break;
      case CURL_POLL_INOUT:
        events.watch(fd, POLLIN | POLLOUT);
        break;
      default:
        events.forget(fd);
        break;
    }
    return 0;
  }

  static int timer(CURLM*, long milliseconds, void* user) {
    CurlSession& session = of(user);
    if (milliseconds < 0) {
      session.timer_.reset();
    } else if (milliseconds == 0) {
      session.timer_ = TimePoint::min();
    } else {
      session.timer_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    }
    return 0;
  }

  // The connection stands and the request goes out next.
  static int connected(void* user, char*, char*, int, int) {
    of(user).connected_ = true;
    return CURL_PREREQFUNC_OK;
  }

  static CURLcode tls_setup(CURL*, void* ssl_context, void* user) {
    CurlSession& session = of(user);
    return (*session.tls_setup_)(ssl_context, &session.records_read_) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
  }
};

CurlSession::CurlSession(const CurlHttpClientOptions& options, void* share)
    : multi_(curl_multi_init()), easy_(curl_easy_init()) {
  if (valid()) set_constant_options(options, share);
}

CurlSession::~CurlSession() {
  if (active_) end();
  if (easy_ != nullptr) curl_easy_cleanup(easy_);
  // After the easy handle: the connection's last words go through the multi handle's callbacks.
  if (multi_ != nullptr) curl_multi_cleanup(multi_);
  curl_slist_free_all(static_cast<curl_slist*>(header_list_));
}

bool CurlSession::valid() const noexcept {
  return multi_ != nullptr && easy_ != nullptr && events_.valid();
}

void CurlSession::set_constant_options(const CurlHttpClientOptions& options, void* share) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Callbacks::socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Callbacks::timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1L);

  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  // Do not wait for a name look-up in another thread when a transfer is given up.
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy_, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(easy_, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(easy_, CURLOPT_SHARE, static_cast<CURLSH*>(share));

  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Callbacks::body);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &Callbacks::header);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_READFUNCTION, &Callbacks::upload);
  curl_easy_setopt(easy_, CURLOPT_READDATA, this);
  curl_easy_setopt(easy_, CURLOPT_SEEKFUNCTION, &Callbacks::seek);
  curl_easy_setopt(easy_, CURLOPT_SEEKDATA, this);
  curl_easy_setopt(easy_, CURLOPT_PREREQFUNCTION, &Callbacks::connected);
  curl_easy_setopt(easy_, CURLOPT_PREREQDATA, this);

  const auto text_or_null = [&](const std::string& text) {
    return text.empty() || options.tls_setup ? nullptr : text.c_str();
  };
  curl_easy_setopt(easy_, CURLOPT_CAINFO, text_or_null(options.ca.file));
  curl_easy_setopt(easy_, CURLOPT_CAPATH, text_or_null(options.ca.directory));
  if (options.certificates == CertificateCheck::kNone) {
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (options.tls_setup) {
    tls_setup_ = &options.tls_setup;
    curl_easy_setopt(easy_, CURLOPT_SSL_CTX_FUNCTION, &Callbacks::tls_setup);
    curl_easy_setopt(easy_, CURLOPT_SSL_CTX_DATA, this);
  }
  // An empty proxy also spares libcurl the search of the environment at every request.
  if (options.proxies == ProxyUse::kIgnore) curl_easy_setopt(easy_, CURLOPT_PROXY, "");
}

Result<void> CurlSession::start(const Origin& origin, const HttpClientRequest& request, BodyOwner owner) {
  connected_ = head_done_ = done_ = paused_ = too_large_ = more_may_be_here_ = false;
  code_ = 0;
  error_text_[0] = '\0';
  head_ = {};
  head_length_.reset();
  timer_.reset();
  silence_ = std::chrono::nanoseconds::zero();
  stall_timeout_ = request.stall_timeout;
  out_ = {};
  filled_ = 0;
  spill_.clear();
  spill_read_ = 0;
  sink_ = nullptr;
  upload_ = nullptr;
  upload_reader_.reset();
  upload_error_.reset();

  if (origin.key != origin_.key) origin_ = origin;
  const CURLcode url_code = curl_easy_setopt(easy_, CURLOPT_URL, request.url.c_str());
  if (url_code != CURLE_OK) return translate({.code = url_code, .detail = {}, .host_port = origin_.host_port});
  if (request.connect_timeout != connect_timeout_) {
    connect_timeout_ = request.connect_timeout;
    curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout_.count()));
  }
  set_method(request, owner);
  IMGIMPORT_RETURN_IF_ERROR(set_headers(request));
  if (curl_multi_add_handle(multi_, easy_) != CURLM_OK) {
    return Error(ErrorCode::kInternal, "a request to " + origin_.host_port + " could not be started");
  }
  active_ = true;
  return {};
}

void CurlSession::set_method(const HttpClientRequest& request, BodyOwner owner) {
  const bool has_body = request.upload != nullptr || !request.body.empty() || request.method == HttpMethod::kPost ||
                        request.method == HttpMethod::kPut;
  const Body before = std::exchange(body_, Body::kNone);
  if (!has_body && before == Body::kNone && request.method == method_) return;
  method_ = request.method;
  const bool head = method_ == HttpMethod::kHead;
  curl_easy_setopt(easy_, CURLOPT_UPLOAD, 0L);
  curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, nullptr);
  curl_easy_setopt(easy_, CURLOPT_NOBODY, head ? 1L : 0L);
  const std::string name(to_string(method_));
  const bool custom = !head && (has_body || method_ != HttpMethod::kGet);
  curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, custom ? name.c_str() : nullptr);
  if (has_body) {
    set_body(request, owner);
  } else if (!head) {
    curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
  }
}

void CurlSession::set_body(const HttpClientRequest& request, BodyOwner owner) {
  std::optional<std::span<const std::byte>> memory;
  if (request.upload != nullptr) memory = request.upload->in_memory();
  if (request.upload != nullptr && !memory) {
    upload_ = request.upload;
    const auto size = request.upload_size ? request.upload_size : request.upload->size();
    body_ = size && *size < kExpectFrom ? Body::kSmallStream : Body::kLargeStream;
    curl_easy_setopt(easy_, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy_, CURLOPT_INFILESIZE_LARGE, size ? static_cast<curl_off_t>(*size) : curl_off_t{-1});
    return;
  }
  // As "post fields" a small body leaves in one segment with the head.
  body_ = Body::kMemory;
  const char* const data = memory ? reinterpret_cast<const char*>(memory->data()) : request.body.data();
  const std::size_t size = memory ? memory->size() : request.body.size();
  curl_easy_setopt(easy_, CURLOPT_POST, 1L);
  curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(size));
  const bool copy = owner == BodyOwner::kCopied && !memory;
  curl_easy_setopt(easy_, copy ? CURLOPT_COPYPOSTFIELDS : CURLOPT_POSTFIELDS, size == 0 ? "" : data);
}

Result<void> CurlSession::set_headers(const HttpClientRequest& request) {
  if (headers_body_ == body_ && request.headers.all() == sent_headers_.all()) return {};
  curl_slist* list = nullptr;
  const auto append = [&list](const std::string& line) {
    curl_slist* const longer = curl_slist_append(list, line.c_str());
    if (longer != nullptr) list = longer;
  };
  std::string line;
  for (const auto& [name, value] : request.headers.all()) {
    if (name.empty() || has_line_break(name) || has_line_break(value) || name.find(':') != std::string::npos) {
      curl_slist_free_all(list);
      return Error(ErrorCode::kInvalidArgument, "a header for " + origin_.host_port + " holds forbidden characters")
          .with_reason("bad_header");
    }
    line = name;
    // libcurl takes "Name:" for "leave it out".
    value.empty() ? line.append(";") : line.append(": ").append(value);
    append(line);
  }
  // libcurl's own guess would be a form's.
  if (body_ == Body::kMemory && !request.headers.find("Content-Type")) append("Content-Type:");
  // libcurl asks before every streamed body; below 1 MiB the answer costs more than a body sent in vain.
  if (body_ == Body::kSmallStream) append("Expect:");
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, list);
  curl_slist_free_all(static_cast<curl_slist*>(header_list_));
  header_list_ = list;
  sent_headers_ = request.headers;
  headers_body_ = body_;
  return {};
}

void CurlSession::end() {
  if (!active_) return;
  active_ = false;
  // An unfinished transfer's connection is closed by this.
  curl_multi_remove_handle(multi_, easy_);
  upload_ = nullptr;
  upload_reader_.reset();
  sink_ = nullptr;
  out_ = {};
  // Hundreds of idle sessions must not hoard what a large body left behind.
  if (spill_.capacity() > kKeptSpill) spill_ = {};
}

Result<void> CurlSession::await_head(const CallContext& context) {
  while (!head_done_ && !done_) IMGIMPORT_RETURN_IF_ERROR(step(context));
  // A body that broke off after a good head is for read() to tell.
  if (head_done_) return {};
  return verdict();
}

Result<void> CurlSession::run(const CallContext& context, std::string& sink, std::size_t limit) {
  sink_ = &sink;
  sink_limit_ = limit;
  while (!done_) IMGIMPORT_RETURN_IF_ERROR(step(context));
  return verdict();
}

Result<std::size_t> CurlSession::read(const CallContext& context, std::span<std::byte> out) {
  if (const std::size_t taken = take_spill(out); taken > 0) return taken;
  out_ = out;
  filled_ = 0;
  if (paused_) {
    paused_ = false;
    // Hands over what libcurl held back, at once.
    curl_easy_pause(easy_, CURLPAUSE_CONT);
  }
  Result<void> outcome;
  while (filled_ == 0 && !done_ && outcome.has_value()) outcome = step(context);
  while (filled_ > 0 && filled_ < out_.size() && take_what_is_here()) {
  }
  out_ = {};
  if (filled_ > 0) return filled_;
  if (!outcome.has_value()) return std::move(outcome).error();
  IMGIMPORT_RETURN_IF_ERROR(verdict());
  return std::size_t{0};
}

// Records may lie in OpenSSL's buffer while the socket has nothing to say: poll() would wait for what is here already.
// They are drained as long as each try brings one; a try that brings none has found no whole record there.
bool CurlSession::take_what_is_here() {
  if (!origin_.tls || !more_may_be_here_ || paused_ || done_) return false;
  const int fd = events_.reading_socket();
  if (fd < 0) return false;
  act(fd, CURL_CSELECT_IN);
  return true;
}

Result<void> CurlSession::step(const CallContext& context) {
  if (context.stop.stop_requested()) return context.check();
  upload_context_ = &context;
  if (timer_ && *timer_ == TimePoint::min()) {
    timer_.reset();
    act(CURL_SOCKET_TIMEOUT, 0);
    return {};
  }
  const TimePoint now = std::chrono::steady_clock::now();
  if (now >= context.deadline) return context.check();
  if (timer_ && now >= *timer_) {
    timer_.reset();
    act(CURL_SOCKET_TIMEOUT, 0);
    return {};
  }
  if (take_what_is_here()) return {};
  return wait(context, now);
}

Result<void> CurlSession::wait(const CallContext& context, TimePoint now) {
  TimePoint until = std::min(context.deadline, now + (stall_timeout_ - silence_));
  if (timer_) until = std::min(until, *timer_);
  const auto& ready = events_.wait(context.stop, now, until);
  if (ready.empty()) return check_stall(std::chrono::steady_clock::now() - now);
  silence_ = std::chrono::nanoseconds::zero();
  for (const auto& [fd, events] : ready) {
    int bits = 0;
    if ((events & (POLLIN | POLLHUP)) != 0) bits |= CURL_CSELECT_IN;
    if ((events & POLLOUT) != 0) bits |= CURL_CSELECT_OUT;
    if ((events & (POLLERR | POLLNVAL)) != 0) bits |= CURL_CSELECT_ERR;
    act(fd, bits);
  }
  return {};
}

// Any readiness of a socket is progress: a byte came, or the other side took some. Only time spent waiting here counts,
// so a slow reader of ours is not held against the server.
Result<void> CurlSession::check_stall(std::chrono::nanoseconds waited) {
  silence_ += waited;
  if (silence_ < stall_timeout_) return {};
  const double seconds = std::chrono::duration<double>(stall_timeout_).count();
  if (!connected_) {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("connecting to {} failed: no answer for {:.3g} s", origin_.host_port, seconds))
        .with_reason("connect_timeout");
  }
  return Error(ErrorCode::kUnavailable,
               fmt::format("the connection to {} stalled: not a byte for {:.3g} s", origin_.host_port, seconds))
      .with_reason("stalled");
}

void CurlSession::act(int fd, int events) {
  int running = 0;
  const bool reads = (events & CURL_CSELECT_IN) != 0;
  const std::uint64_t before = records_read_;
  if (reads) more_may_be_here_ = false;
  curl_multi_socket_action(multi_, fd, events, &running);
  if (reads && records_read_ != before) more_may_be_here_ = true;
  if (running > 0) return;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    done_ = true;
    code_ = message->data.result;
  }
}

// What the finished transfer came to.
Result<void> CurlSession::verdict() {
  if (code_ == CURLE_OK) return {};
  if (upload_error_) return *upload_error_;
  if (too_large_) {
    return Error(ErrorCode::kTooLarge,
                 fmt::format("the answer of {} is larger than {} bytes", origin_.host_port, sink_limit_));
  }
  long os_error = 0;
  curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
  return translate({.code = code_,
                    .detail = error_text_.data(),
                    .host_port = origin_.host_port,
                    .connected = connected_,
                    .os_error = static_cast<int>(os_error)});
}

std::size_t CurlSession::take_spill(std::span<std::byte> out) {
  const std::size_t count = std::min(out.size(), spilled());
  if (count == 0) return 0;
  std::memcpy(out.data(), spill_.data() + spill_read_, count);
  spill_read_ += count;
  if (spill_read_ == spill_.size()) {
    spill_.clear();
    spill_read_ = 0;
  }
  return count;
}

std::size_t CurlSession::on_body(std::span<const std::byte> bytes) {
  more_may_be_here_ = true;
  if (sink_ != nullptr) {
    if (bytes.size() > sink_limit_ - sink_->size()) {
      too_large_ = true;
      return 0;
    }
    sink_->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return bytes.size();
  }
  // All or nothing: libcurl cannot be told that a part was taken and the rest must wait.
  // What was spilled goes first: read() waits for more only once nothing of it is left.
  const std::size_t direct = std::min(bytes.size(), out_.size() - filled_);
  const std::size_t rest = bytes.size() - direct;
  if (rest > 0 && spilled() > 0 && spilled() + rest > kSpillLimit) {
    paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  if (direct > 0) std::memcpy(out_.data() + filled_, bytes.data(), direct);
  filled_ += direct;
  // One allocation rather than four that double: a small body whole, of a large one what a receive buffer holds.
  if (rest > 0 && spill_.capacity() == 0) {
    spill_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(head_length_.value_or(kSpillLimit), kSpillLimit)));
  }
  spill_.insert(spill_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(direct), bytes.end());
  return bytes.size();
}

void CurlSession::on_header(std::string_view line) {
  more_may_be_here_ = true;
  if (head_done_) return;  // a trailer
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    const std::size_t space = line.find(' ');
    head_ = {};
    if (space != std::string_view::npos)
      head_.status = static_cast<int>(whole_number<std::uint64_t>(line.substr(space + 1, 3)).value_or(0));
    return;
  }
  if (!line.empty()) {
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      head_.headers.add(line.substr(0, colon), std::string(trim(line.substr(colon + 1))));
    }
    return;
  }
  if (head_.status < kFirstFinalStatus) return;  // 100 Continue and the like
  head_done_ = true;
  if (const auto length = head_.headers.find("Content-Length"))
    head_.content_length = whole_number<std::uint64_t>(*length);
  head_length_ = head_.content_length;
  if (sink_ != nullptr && head_.content_length) {
    sink_->reserve(std::min({*head_.content_length, static_cast<std::uint64_t>(sink_limit_), kReserveLimit}));
  }
}

bool CurlSession::reopen_upload() {
  if (upload_ == nullptr) return false;
  upload_reader_.reset();
  auto reader = upload_->open(*upload_context_);
  if (!reader.has_value()) {
    upload_error_ = std::move(reader).error();
    return false;
  }
  upload_reader_ = *std::move(reader);
  return true;
}

std::size_t CurlSession::on_upload(std::span<std::byte> out) {
  if (!upload_reader_ && !reopen_upload()) return CURL_READFUNC_ABORT;
  auto count = upload_reader_->read(*upload_context_, out);
  if (count.has_value()) return *count;
  upload_error_ = std::move(count).error();
  return CURL_READFUNC_ABORT;
}

}  // namespace imgimport
