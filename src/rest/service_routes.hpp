// The server's side of calls between services: methods with a request and an answer as routes of a module's own port.
//
// Threading: handlers run on the request pool, many at once.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "imgimport/http.hpp"
#include "imgimport/result.hpp"
#include "rest/protocol.hpp"
#include "rest/wire.hpp"

namespace imgimport {

class ServiceRoutes {
 public:
  // `service`: "metadata". Adds the route by which neighbours see that they are at the right place.
  // REQUIRES: the router outlives it.
  ServiceRoutes(Router& router, std::string_view service);

  // `handler`: Result<Answer>(const CallContext&, const Request&); Result<void> where the answer is Nothing. It may
  // return before the context's deadline or not: the caller waits no longer than that.
  template <class Request, class Answer, class Handler>
  void serve(const ServiceMethod<Request, Answer>& method, Handler handler) {
    mount(method.path, [handler](const CallContext& context, std::string_view body) -> Result<std::string> {
      IMGIMPORT_ASSIGN_OR_RETURN(const Request request, decode<Request>(body));
      if constexpr (std::same_as<Answer, Nothing>) {
        IMGIMPORT_RETURN_IF_ERROR(handler(context, request));
        return std::string("{}");
      } else {
        IMGIMPORT_ASSIGN_OR_RETURN(const Answer answer, handler(context, request));
        return encode(answer);
      }
    });
  }

  // A GET whose answer is a body of bytes.
  using ContentHandler = std::function<Result<HttpResponse>(const CallContext&, const HttpRequest&)>;
  void serve_content(std::string pattern, ContentHandler handler);
  // The same for one that answers when it can, from any thread; called once, it may outlive the request.
  using ContentReply = std::function<void(Result<HttpResponse>)>;
  using LaterContentHandler = std::function<void(const CallContext&, const HttpRequest&, ContentReply)>;
  void serve_content_later(std::string pattern, LaterContentHandler handler);

 private:
  using RawHandler = std::function<Result<std::string>(const CallContext&, std::string_view body)>;
  void mount(std::string_view path, RawHandler handler);

  Router& router_;
};

}  // namespace imgimport
