// The web app's files on the gateway's port, and the description of the API.
//
// Every path that is neither the API's nor a file's is a page of the app (index.html; the app reads the address
// itself). Files whose name changes with their content are cached for good, the others are asked for again by their
// tag. The headers allow the app what it does, and nothing else: no script, style or connection that is not from here.
//
// Threading: const after construction; handlers answer from memory, on the io thread.
#pragma once

#include <string_view>

#include "gateway/web/web_files.hpp"
#include "imgimport/http.hpp"

namespace imgimport {

class WebApp {
 public:
  // The embedded files; none where the program was built without them.
  WebApp();
  explicit WebApp(WebFiles files);

  // Adds the files as the router's fallback. REQUIRES: it outlives the router's use.
  void mount(Router& router) const;

  HttpResponse answer(const HttpRequest& request) const;

 private:
  WebFiles files_;
};

// Whether a raw path may be one of the web app's: not the API's, and not a service's.
bool is_page_path(std::string_view path);

// One file in the form that the request takes, or 304. `policy` is its Content-Security-Policy.
HttpResponse file_response(const HttpRequest& request, const WebFile& file, std::string_view policy);

}  // namespace imgimport
