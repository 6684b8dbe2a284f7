#include "imaging/decoder_main.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/text.hpp"
#include "imaging/confinement.hpp"
#include "imaging/decoder_protocol.hpp"
#include "imaging/vips_shrinker.hpp"

namespace imgimport {
namespace {

using decoder_protocol::Answer;
using decoder_protocol::Order;
using decoder_protocol::Outcome;

constexpr int kSocket = STDIN_FILENO;

// Without the destructors of libraries, which nobody is waiting for.
[[noreturn]] void leave(int code) {
  ::_exit(code);
}

void read_all(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t count = ::recv(kSocket, out.data(), out.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) leave(0);
    out = out.subspan(static_cast<std::size_t>(count));
  }
}

void write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(kSocket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) leave(0);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

Outcome outcome_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnsupported:
      return Outcome::kUnsupported;
    case ErrorCode::kTooLarge:
      return Outcome::kTooLarge;
    case ErrorCode::kMisconfigured:
      return Outcome::kNoLibrary;
    default:
      return Outcome::kDamaged;
  }
}

void answer(const Result<Picture>& result) {
  Answer head;
  std::string text;
  if (result.has_value()) {
    head.outcome = Outcome::kDone;
    head.width = result->width;
    head.height = result->height;
  } else {
    head.outcome = outcome_of(result.error().code());
    text = result.error().message();
  }
  const std::string& bytes = result.has_value() ? result->bytes : text;
  head.size = bytes.size();
  write_all(std::as_bytes(std::span(&head, 1)));
  write_all(std::as_bytes(std::span(bytes)));
}

class Decoder {
 public:
  explicit Decoder(const DecoderLimits& limits) : limits_(limits), shrinker_(VipsShrinker::load()) {}

  void serve_one() {
    Order order;
    read_all(std::as_writable_bytes(std::span(&order, 1)));
    if (order.magic != decoder_protocol::kMagic || order.size > limits_.input_bytes) leave(1);
    limit_cpu_time(std::chrono::seconds(limits_.cpu_seconds));
    const auto size = static_cast<std::size_t>(order.size);
    const auto image = std::make_unique_for_overwrite<std::byte[]>(size);
    read_all({image.get(), size});
    answer(shrink({image.get(), size}, order));
  }

 private:
  Result<Picture> shrink(std::span<const std::byte> image, const Order& order) const try {
    if (!shrinker_.has_value()) return shrinker_.error();
    return shrinker_->shrink(image, {order.width, order.is_raw != 0}, limits_.pixels);
  } catch (const std::exception& failure) {
    return Error(ErrorCode::kCorrupt, failure.what());
  }

  const DecoderLimits limits_;
  const Result<VipsShrinker> shrinker_;
};

std::optional<DecoderLimits> limits_from(const std::vector<std::string>& arguments) {
  if (arguments.size() != 5) return std::nullopt;
  DecoderLimits limits;
  const auto number = [&arguments](std::size_t index, auto& out) {
    const auto value = whole_number<std::remove_reference_t<decltype(out)>>(arguments[index]);
    if (value) out = *value;
    return value.has_value();
  };
  if (!number(1, limits.input_bytes) || !number(2, limits.pixels) || !number(3, limits.address_space_bytes) ||
      !number(4, limits.cpu_seconds)) {
    return std::nullopt;
  }
  return limits;
}

}  // namespace

void run_decoder(const std::vector<std::string>& arguments) {
  const auto limits = limits_from(arguments);
  if (!limits) leave(2);
  if (!limit_process(limits->address_space_bytes).has_value()) leave(3);
  Decoder decoder(*limits);
  if (!close_the_doors().has_value()) leave(4);
  for (;;) decoder.serve_one();
}

}  // namespace imgimport
