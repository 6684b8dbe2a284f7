// The files of the web app, and which form of one a browser gets: plain, gzip or brotli, as it says it can read.
//
// A pack is text, then bytes: a line "imgimport-web 1 COUNT"; a line for each file, of fields between tabs: path, type,
// "immutable" or "revalidate", tag, sizes of the plain, gzip and brotli forms (0: there is no such form); an empty
// line; then the forms in that order. Pure; const after construction.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "imgimport/http.hpp"
#include "imgimport/result.hpp"

namespace imgimport {

struct WebFile {
  std::string mime_type;
  bool immutable = false;  // its name changes with its content
  std::string tag;         // of the content, without quotes
  HttpSharedBody plain;
  HttpSharedBody gzip;    // nullptr: none
  HttpSharedBody brotli;  // nullptr: none
};

class WebFiles {
 public:
  // kInternal: not a whole pack.
  static Result<WebFiles> unpack(std::string_view pack);

  // nullptr: no such file. The path begins with "/".
  const WebFile* find(std::string_view path) const;
  bool empty() const noexcept { return files_.empty(); }

 private:
  std::map<std::string, WebFile, std::less<>> files_;
};

enum class ContentCoding : char { kIdentity = 1, kGzip, kBrotli };

struct AcceptedCodings {
  bool gzip = false;
  bool brotli = false;
};
// What an Accept-Encoding header takes beside the plain form (RFC 9110, 12.5.3). Of what is taken at all the smaller
// one is sent, whatever the order of preference.
AcceptedCodings accepted_codings(std::string_view accept_encoding);

}  // namespace imgimport
