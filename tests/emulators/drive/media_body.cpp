#include "emulators/drive/media_body.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace imgimport::emulator {
namespace {

// Up to here a body is put together in one piece and sent from the io thread, which beats any streaming.
constexpr std::uint64_t kWholeBelow = 1 << 20;

// So that a client that went away quietly does not hold a thread for ever.
constexpr std::chrono::minutes kLongestStall{5};

// false: the client has gone.
bool wait(const CallContext& context, std::chrono::microseconds time) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, context.stop, time, [] { return false; });
  return !context.stop.stop_requested();
}

class PlanReader final : public ByteReader {
 public:
  PlanReader(BodyPlan plan, const Fault& fault)
      : plan_(std::move(plan)), action_(fault.action), rate_(fault.bytes_per_second), at_(plan_.from), end_(plan_.to) {
    // A body that fails before its first byte would get an error's answer instead.
    const bool ends_early = action_ == FaultAction::kTruncate || action_ == FaultAction::kStall;
    if (ends_early) end_ = std::min(plan_.to, plan_.from + std::max<std::uint64_t>(fault.rule.at, 1));
    if (action_ == FaultAction::kFlipByte) flip_at_ = fault.rule.at;
  }

  Result<std::size_t> read(const CallContext& context, std::span<std::byte> out) override {
    if (at_ >= end_) return at_the_end(context);
    std::size_t n = std::min<std::uint64_t>(out.size(), end_ - at_);
    if (rate_ > 0) {
      n = std::min<std::uint64_t>(n, std::max<std::uint64_t>(rate_ / 20, 1));
      if (!wait(context, std::chrono::microseconds(n * 1'000'000 / rate_))) return gone();
    }
    char* const bytes = reinterpret_cast<char*>(out.data());
    if (!plan_.content->copy(at_, {bytes, n})) return Error(ErrorCode::kUnavailable, "the file cannot be read");
    if (flip_at_ && *flip_at_ >= at_ && *flip_at_ < at_ + n) bytes[*flip_at_ - at_] ^= 0x55;
    at_ += n;
    return n;
  }

 private:
  static Error gone() { return Error(ErrorCode::kCancelled, "the client has gone"); }

  Result<std::size_t> at_the_end(const CallContext& context) {
    if (end_ == plan_.to) return std::size_t{0};
    if (action_ == FaultAction::kStall) wait(context, kLongestStall);
    return Error(ErrorCode::kUnavailable, "broken off as the fault rule says");
  }

  const BodyPlan plan_;
  const FaultAction action_;
  const std::uint64_t rate_;
  std::uint64_t at_;
  std::uint64_t end_;
  std::optional<std::uint64_t> flip_at_;
};

HttpSharedBody whole_body(const BodyPlan& plan) {
  struct Held {
    HttpSharedBody bytes;
    std::shared_ptr<void> ticket;
  };
  HttpSharedBody bytes = plan.content->in_memory();
  if (!bytes || plan.to - plan.from != bytes->size()) {
    auto made = std::make_shared<std::string>(plan.content->copy_string(plan.from, plan.to));
    bytes = std::move(made);
  }
  const auto held = std::make_shared<Held>(Held{.bytes = std::move(bytes), .ticket = plan.held});
  return {held, held->bytes.get()};
}

// Sends bytes and then resets the connection; in chunks, since only a pushed body can end this way.
class ResetBody : public std::enable_shared_from_this<ResetBody> {
 public:
  ResetBody(std::string bytes, Delayer& delayer) : bytes_(std::move(bytes)), delayer_(delayer) {}

  void start(const HttpPushWriter& writer) {
    if (sent_ < bytes_.size() && writer.queued_bytes() < kPiece) {
      if (!writer.write(bytes_.substr(sent_, kPiece))) return;
      sent_ += kPiece;
    }
    if (sent_ >= bytes_.size() && writer.queued_bytes() == 0) return writer.abort();
    delayer_.after(std::chrono::milliseconds(1), [self = shared_from_this(), writer] { self->start(writer); });
  }

 private:
  static constexpr std::size_t kPiece = 256 << 10;

  const std::string bytes_;
  std::size_t sent_ = 0;
  Delayer& delayer_;
};

}  // namespace

void put_body(HttpResponse& response, BodyPlan plan, const Fault& fault, Delayer& delayer) {
  if (fault.action == FaultAction::kReset) {
    std::string bytes = plan.content->copy_string(plan.from, std::min(plan.to, plan.from + fault.rule.at));
    response.body = HttpPushBody{[body = std::make_shared<ResetBody>(std::move(bytes), delayer),
                                  held = plan.held](const HttpPushWriter& writer) { body->start(writer); }};
    return;
  }
  if (fault.action == FaultAction::kShortBody) plan.to = std::min(plan.to, plan.from + fault.rule.at);
  const std::uint64_t length = plan.to - plan.from;
  const bool harmed = fault.action == FaultAction::kTruncate || fault.action == FaultAction::kFlipByte ||
                      fault.action == FaultAction::kStall;
  const bool in_memory = plan.content->in_memory() && length == plan.content->size();
  if (!harmed && fault.bytes_per_second == 0 && (in_memory || length <= kWholeBelow)) {
    response.body = whole_body(plan);
    return;
  }
  response.body = HttpStreamBody{.reader = std::make_unique<PlanReader>(std::move(plan), fault), .length = length};
}

}  // namespace imgimport::emulator
