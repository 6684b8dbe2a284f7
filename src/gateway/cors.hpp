// Which web pages may call the API from a browser (https://fetch.spec.whatwg.org/#http-cors-protocol).
//
// Threading: const after construction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imgimport/http.hpp"

namespace imgimport {

class Cors {
 public:
  // Origins such as "https://photos.example.org"; "*" = any, without cookies.
  explicit Cors(const std::vector<std::string>& origins);

  // Whether the list names this origin itself; "*" does not count.
  bool names(std::string_view origin) const;
  bool any() const noexcept { return any_; }
  // Adds to an answer what lets the calling page read it.
  void allow(const HttpRequest& request, HttpResponse& response) const;
  // The answer to a preflight for a path that has these methods.
  HttpResponse preflight(const HttpRequest& request, const std::vector<HttpMethod>& methods) const;

 private:
  std::vector<std::string> origins_;
  bool any_ = false;
};

// An origin or URL as scheme://host[:port] in lower case, default port and path removed; empty when it is none.
std::string origin_of(std::string_view url);

}  // namespace imgimport
