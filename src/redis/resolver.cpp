#include "redis/resolver.hpp"

#include <netdb.h>
#include <signal.h>

#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>

namespace imgimport {
namespace {

addrinfo hints_for(int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  return hints;
}

std::vector<SocketAddress> taken_over(addrinfo* list) {
  std::vector<SocketAddress> addresses;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    if (one->ai_addrlen > sizeof(sockaddr_storage)) continue;
    SocketAddress address;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.length = one->ai_addrlen;
    addresses.push_back(address);
  }
  freeaddrinfo(list);
  return addresses;
}

// A question to the resolver. It may be answered long after nobody waits any more, so the answer's callback shares it.
struct Question {
  std::string host;
  std::string port;
  addrinfo hints{};
  gaicb request{};
  std::mutex mutex;
  std::condition_variable_any answered;
  bool done = false;               // guarded by mutex
  std::shared_ptr<Question> self;  // until it is answered

  ~Question() {
    if (request.ar_result != nullptr) freeaddrinfo(request.ar_result);
  }

  static void on_answer(sigval value) {
    auto* const question = static_cast<Question*>(value.sival_ptr);
    const auto keep = std::move(question->self);
    const std::lock_guard lock(keep->mutex);
    keep->done = true;
    keep->answered.notify_all();
  }
};

}  // namespace

Result<std::vector<SocketAddress>> resolve_host(const CallContext& context, const std::string& host,
                                                std::uint16_t port) {
  const auto unknown = [&](int code) {
    return Error(ErrorCode::kUnavailable, "the address of " + host + " cannot be found: " + gai_strerror(code));
  };
  const std::string service = std::to_string(port);
  const addrinfo literal = hints_for(AI_NUMERICHOST | AI_NUMERICSERV);
  addrinfo* list = nullptr;
  if (getaddrinfo(host.c_str(), service.c_str(), &literal, &list) == 0) return taken_over(list);

  const auto question = std::make_shared<Question>();
  question->host = host;
  question->port = service;
  question->hints = hints_for(AI_ADDRCONFIG | AI_NUMERICSERV);
  question->request.ar_name = question->host.c_str();
  question->request.ar_service = question->port.c_str();
  question->request.ar_request = &question->hints;
  question->self = question;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_value.sival_ptr = question.get();
  event.sigev_notify_function = &Question::on_answer;
  gaicb* requests[] = {&question->request};
  if (const int code = getaddrinfo_a(GAI_NOWAIT, requests, 1, &event); code != 0) {
    question->self.reset();
    return unknown(code);
  }
  {
    std::unique_lock lock(question->mutex);
    const auto done = [&] { return question->done; };
    if (context.deadline == std::chrono::steady_clock::time_point::max()) {
      question->answered.wait(lock, context.stop, done);
    } else {
      question->answered.wait_until(lock, context.stop, context.deadline, done);
    }
    if (!question->done) {
      IMGIMPORT_RETURN_IF_ERROR(context.check());
      return unknown(EAI_AGAIN);
    }
  }
  if (const int code = gai_error(&question->request); code != 0) return unknown(code);
  return taken_over(std::exchange(question->request.ar_result, nullptr));
}

}  // namespace imgimport
