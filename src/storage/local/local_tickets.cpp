#include "storage/local/local_tickets.hpp"

#include <span>
#include <utility>

#include "base/random.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace imgimport {
namespace {

constexpr std::size_t kSecretBytes = 32;

std::int64_t to_millis(Timestamp time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::string size_text(const std::optional<std::uint64_t>& size) {
  return size ? std::to_string(*size) : std::string();
}

Error refused(const char* reason, const char* message) {
  return Error(ErrorCode::kPermissionDenied, message).with_reason(reason).with_remedy("Ask for a new ticket.");
}

}  // namespace

LocalTickets::LocalTickets() : secret_(random_token(kSecretBytes)) {}

// Each field is encoded, so that none can reach into the next.
std::string LocalTickets::mac_of(const PlannedPut& plan, std::string_view expires) const {
  std::string text = "put";
  const ContentHashes& hashes = plan.options.expected;
  for (const std::string& field : {plan.key.value(), size_text(plan.size_bytes), plan.options.content_type, hashes.md5,
                                   hashes.sha1, hashes.sha256, std::string(expires)}) {
    text.append("\n").append(percent_encode(field));
  }
  const auto mac = hmac_sha256(secret_, text);
  return to_hex(mac);
}

UploadTicket LocalTickets::issue(const PlannedPut& plan, Timestamp now) const {
  UploadTicket ticket;
  ticket.key = plan.key;
  ticket.expires_at = now + kLocalTicketLife;
  const std::string expires = std::to_string(to_millis(ticket.expires_at));
  ticket.url = std::string(kObjectsPath) + percent_encode_path(plan.key.value()) + "?expires=" + expires;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) ticket.url.append("&").append(name).append("=").append(percent_encode(value));
  };
  add("size", size_text(plan.size_bytes));
  add("type", plan.options.content_type);
  add("md5", plan.options.expected.md5);
  add("sha1", plan.options.expected.sha1);
  add("sha256", plan.options.expected.sha256);
  add("ticket", mac_of(plan, expires));
  return ticket;
}

Result<PlannedPut> LocalTickets::redeem(const ObjectKey& key, const HttpRequest& request, Timestamp now) const {
  const auto value = [&](std::string_view name) { return std::string(request.query_value(name).value_or("")); };
  PlannedPut plan;
  plan.key = key;
  plan.options.content_type = value("type");
  plan.options.expected = {.md5 = value("md5"), .sha1 = value("sha1"), .sha256 = value("sha256")};
  const std::string size = value("size");
  if (!size.empty()) plan.size_bytes = whole_number<std::uint64_t>(size);
  const std::string expires = value("expires");
  const auto until = whole_number<std::int64_t>(expires);
  const bool is_ours =
      until && size_text(plan.size_bytes) == size && equals_constant_time(value("ticket"), mac_of(plan, expires));
  if (!is_ours) return refused("bad_ticket", "This is no ticket that the storage service has issued since its start");
  if (to_millis(now) >= *until) return refused("ticket_expired", "The upload ticket has expired");
  return plan;
}

}  // namespace imgimport
