#include "http_server/response_writer.hpp"

#include <exception>
#include <utility>

#include "base/http_error.hpp"
#include "base/log.hpp"
#include "http_server/request_facts.hpp"
#include "http_server/session.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kSmallBody = 16 << 10;  // up to here, copying it behind the head is cheaper than a second buffer

}  // namespace

void ResponseWriter::on_body_part(const BodyPull& pull, BodyPart part) {
  if (&pull != pull_.get()) return;
  part_ = std::move(part);
  connection_.notify();
}

void ResponseWriter::on_push_wake() {
  // The coroutine may be stuck in a write to a client that does not read.
  if (push_ && push_->aborted()) connection_.reset();
  connection_.notify();
}

void ResponseWriter::watch_client(const std::shared_ptr<Exchange>& exchange) {
  connection_.start_read();
  if (connection_.lost() && exchange) exchange->stop.request_stop();
}

// In the middle of a body: the client must not take it for whole. Where only the end of the connection ends the body,
// that needs a reset; elsewhere a plain close leaves the client what it has.
void ResponseWriter::break_off(const AnswerTo& to) {
  if (!to.http_1_1) connection_.reset();
  connection_.close();
}

ResponseFrame ResponseWriter::frame_for(const HttpResponse& response, const AnswerTo& to) const {
  ResponseFrame frame;
  frame.http_1_1 = to.http_1_1;
  frame.head_only = to.head_only;
  frame.request_id = to.request_id;
  bool endless = false;
  if (!status_has_body(response.status)) {
    // Neither a length nor chunks.
  } else if (const auto* text = std::get_if<std::string>(&response.body)) {
    frame.content_length = text->size();
  } else if (const auto* shared = std::get_if<HttpSharedBody>(&response.body)) {
    frame.content_length = *shared ? (*shared)->size() : 0;
  } else {
    const auto* stream = std::get_if<HttpStreamBody>(&response.body);
    if (stream != nullptr) frame.content_length = stream->length;
    frame.chunked = !frame.content_length && frame.http_1_1;
    endless = !frame.content_length && !frame.http_1_1 && !frame.head_only;
  }
  frame.keep_alive = to.keep_alive && !response.close_connection && !endless && state_.serves();
  return frame;
}

Task<bool> ResponseWriter::write(HttpResponse& response, const AnswerTo& to) {
  if (response.drop_connection) {
    discard_response(std::move(response), state_.requests);
    connection_.reset();
    co_return false;
  }
  fill_in_error_body(response, to.request_id);
  const ResponseFrame frame = frame_for(response, to);
  const bool with_body = !frame.head_only && status_has_body(response.status);
  bool written = false;
  if (with_body && std::holds_alternative<HttpStreamBody>(response.body)) {
    written = co_await write_stream(response, to);
  } else if (with_body && std::holds_alternative<HttpPushBody>(response.body)) {
    written = co_await write_push(response, to);
  } else {
    std::string_view body;
    if (const auto* text = std::get_if<std::string>(&response.body); with_body && text != nullptr) body = *text;
    if (const auto* text = std::get_if<HttpSharedBody>(&response.body); with_body && text != nullptr && *text) {
      body = **text;
    }
    written = co_await write_text(response, frame, body);
    discard_response(std::move(response), state_.requests);
  }
  if (out_.capacity() > 2 * kSmallBody) std::string().swap(out_);
  if (!written) co_return false;
  if (frame.keep_alive) co_return true;
  co_await connection_.linger();
  co_return false;
}

Task<bool> ResponseWriter::write_text(const HttpResponse& response, ResponseFrame frame, std::string_view body) {
  out_.clear();
  append_response_head(out_, response, frame, io_.date());
  if (body.size() <= kSmallBody) {
    out_.append(body);
    body = {};
  }
  co_return co_await connection_.write(out_, body);
}

Task<bool> ResponseWriter::write_stream(HttpResponse& response, const AnswerTo& to) {
  const ResponseFrame frame = frame_for(response, to);
  auto& stream = std::get<HttpStreamBody>(response.body);
  const auto framing = frame.chunked ? BodyPull::Framing::kChunked : BodyPull::Framing::kPlain;
  pull_ = std::make_shared<BodyPull>(std::move(stream.reader), stream.length, framing);
  bool head_sent = false;
  bool last = false;
  while (!last) {
    part_.reset();
    pull_piece(to.exchange, pull_, state_.requests);
    while (!part_ && !connection_.lost()) {
      watch_client(to.exchange);
      co_await connection_.event();
    }
    if (!part_ || connection_.lost()) break;
    if (!part_->has_value()) {
      const Error error = std::move(*part_).error();
      if (head_sent) {
        log_warning("an answer was broken off", {{"request_id", to.request_id}, {"error", error.message()}});
        break;
      }
      // Nothing has been sent yet, so the client can be told.
      pull_.reset();
      HttpResponse failed = error_response(error, to.exchange->request);
      failed.close_connection = !frame.keep_alive;
      const ResponseFrame failed_frame = frame_for(failed, to);
      co_return co_await write_text(failed, failed_frame, std::get<std::string>(failed.body));
    }
    last = (*part_)->last;
    out_.clear();
    if (!std::exchange(head_sent, true)) append_response_head(out_, response, frame, io_.date());
    const bool taken = co_await connection_.write(out_, (*part_)->wire);
    if (!taken) break;
  }
  if (!last || connection_.lost()) {
    break_off(to);
    // The reader goes where it may block; a read under way holds on to it.
    state_.requests.post([unfinished = std::exchange(pull_, nullptr)] {});
    co_return false;
  }
  pull_.reset();
  co_return true;
}

// When the pool drops this, the writer goes with it, and the body is aborted.
void ResponseWriter::start_push(HttpPushBody& body, const AnswerTo& to) {
  auto start = [start = std::move(body.start), writer = push_->handle()] {
    try {
      start(writer);
    } catch (const std::exception& failure) {
      log_error("a part of an answer could not be handed over", {{"error", failure.what()}});
      writer.abort();
    }
  };
  if (to.on_io_thread) return start();
  state_.requests.post(std::move(start));
}

Task<bool> ResponseWriter::write_push(HttpResponse& response, const AnswerTo& to) {
  const ResponseFrame frame = frame_for(response, to);
  out_.clear();
  append_response_head(out_, response, frame, io_.date());
  const bool head_sent = co_await connection_.write(out_);
  if (!head_sent) co_return false;
  push_ = std::make_shared<PushChannel>([io = to.exchange->io, weak = to.exchange->session] {
    io->post([weak] {
      if (const auto session = weak.lock()) session->on_push_wake();
    });
  });
  start_push(std::get<HttpPushBody>(response.body), to);
  const bool whole = co_await pump_push(frame.chunked, to);
  std::exchange(push_, nullptr)->finish();
  if (!whole) break_off(to);
  co_return whole;
}

Task<bool> ResponseWriter::pump_push(bool chunked, const AnswerTo& to) {
  for (;;) {
    const PushChannel::Batch batch = push_->take();
    if (batch.aborted) {
      connection_.reset();
      co_return false;
    }
    if (!batch.data.empty() || batch.closed) {
      out_.clear();
      append_piece(out_, batch.data, chunked);
      if (batch.closed && chunked) out_.append("0\r\n\r\n");
      const bool taken = co_await connection_.write(out_);
      push_->written(batch.data.size());
      if (!taken) co_return false;
      if (batch.closed) co_return true;
      continue;
    }
    watch_client(to.exchange);
    if (connection_.lost()) co_return false;
    co_await connection_.event();
  }
}

}  // namespace imgimport
