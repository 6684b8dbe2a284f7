// A text answer that is made piece by piece while it is sent, so that its length does not matter.
//
// Threading: one thread at a time, as ByteReader.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/image_json.hpp"
#include "imgimport/http.hpp"
#include "imgimport/image.hpp"
#include "imgimport/metadata_store.hpp"

namespace imgimport {

// The next piece; empty = the end.
using TextSource = std::function<Result<std::string>(const CallContext&)>;

// `first` goes out before the first piece of `source`.
std::unique_ptr<ByteReader> text_reader(std::string first, TextSource source);

// What the record streams below read from. The records are read a page at a time, each page a short query of its own:
// no transaction is open while a slow client takes its time.
struct RecordStream {
  ImageStore& images;
  const ImageLinks& links;
  std::size_t page_size = 500;
};

// {"success":true,"total":N,"images":[…]}: all records with ids up to the highest one at its start, newest first.
// `total` is what the database counted at that moment; records deleted while the answer is being sent are missing from
// `images` all the same. The first page is read here, so that a database that is away still gives an error.
Result<HttpResponse> all_images_response(const CallContext& context, const RecordStream& stream);

struct JobRecords {
  JobId job;
  std::string head;        // the object's text up to and with its last field, without the closing brace
  std::int64_t limit = 0;  // at most so many records
};
// {…head…,"imported":[…]}, likewise.
Result<HttpResponse> job_images_response(const CallContext& context, const RecordStream& stream, JobRecords records);

}  // namespace imgimport
