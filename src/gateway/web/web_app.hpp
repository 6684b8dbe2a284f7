// The web app's files on the gateway's port, and the description of the API.
//
// The addresses of the app's pages are answered with index.html (the app reads the address itself). Any other path that
// is neither the API's nor a file's is 404, so that a mistyped probe is not healthy for ever; a browser gets the app
// with it, which says so. Files whose name changes with their content are cached for good, the others are asked for
// again by their tag. The headers allow the app what it does, and nothing else: no script, style or connection that is
// not from here.
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
  static HttpResponse app_response(const HttpRequest& request, const WebFile& file);

  WebFiles files_;
};

// Whether a path is a page of the web app.
bool is_page_path(std::string_view path);
// Whether a raw path may be one of the web app's: not the API's, and not a service's.
bool is_outside_the_api(std::string_view path);

// One file in the form that the request takes, or 304. `policy` is its Content-Security-Policy.
HttpResponse file_response(const HttpRequest& request, const WebFile& file, std::string_view policy);

}  // namespace imgimport
