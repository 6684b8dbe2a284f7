// What stores over HTTP read out of answers and write into requests, whichever cloud answers. Pure, apart from
// read_answer_body().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "imgimport/clock.hpp"
#include "imgimport/http_client.hpp"
#include "imgimport/object_store.hpp"

namespace imgimport {

// The most of an error's body that is read: the documents of S3 and Azure have some hundred bytes.
inline constexpr std::size_t kMaxErrorBodyBytes = 64 << 10;

// The ETag header without quotes and without a weak one's "W/"; empty when there is none.
std::string etag_of(const HttpHeaders& headers);

// A header's value; empty when there is none.
std::string header_of(const HttpHeaders& headers, std::string_view name);

// A number as Content-Length has it: digits alone.
std::optional<std::uint64_t> parse_content_length(std::string_view text);

// "bytes 3-5/10": what of the object an answer holds. nullopt: not of that form, or the size is not told.
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t size = 0;  // of the whole object
};
std::optional<ContentRange> parse_content_range(std::string_view text);

// "bytes=3-5", "bytes=3-", "bytes=-5".
std::string range_header(const ByteRange& range);

// The text of the first element of that name, its entities resolved; nullopt: there is none. No parser of XML: it finds
// its way in the small error documents of clouds, and never fails.
std::optional<std::string> xml_element(std::string_view document, std::string_view name);

// The body of a refusal, at most kMaxErrorBodyBytes of it.
Result<std::string> read_answer_body(const CallContext& context, ByteReader& body);

}  // namespace imgimport
