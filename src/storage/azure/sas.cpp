#include "storage/azure/sas.hpp"

#include <array>
#include <chrono>

#include "base/text.hpp"
#include "crypto/base64.hpp"
#include "crypto/hash.hpp"

namespace imgimport {
namespace {

std::string expiry_of(const BlobSas& sas) {
  return to_rfc3339(Timestamp(std::chrono::floor<std::chrono::seconds>(sas.expires_at)));
}

std::string_view protocol_of(const AzureAccount& account) {
  return account.uses_tls() ? "https" : "https,http";
}

void append(std::string& query, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!query.empty()) query += '&';
  query.append(name).append("=").append(percent_encode(value));
}

}  // namespace

std::string blob_sas_string_to_sign(const AzureAccount& account, const BlobSas& sas) {
  const std::string resource = "/blob/" + account.name + "/" + std::string(sas.container) + "/" + std::string(sas.blob);
  const std::string expiry = expiry_of(sas);
  constexpr std::string_view kNone;
  const auto fields = std::to_array<std::string_view>({
      sas.permissions,
      kNone /* start */,
      expiry,
      resource,
      kNone /* identifier */,
      kNone /* addresses */,
      protocol_of(account),
      kAzureVersion,
      "b" /* one blob */,
      kNone /* snapshot */,
      kNone /* encryption scope */,
      kNone /* rscc */,
      sas.content_disposition,
      kNone /* rsce */,
      kNone /* rscl */,
      sas.content_type,
  });
  std::string text;
  for (std::size_t i = 0; i < fields.size(); ++i) text.append(i == 0 ? "" : "\n").append(fields[i]);
  return text;
}

std::string make_blob_sas(const AzureAccount& account, const BlobSas& sas) {
  const auto signature = hmac_sha256(account.key, blob_sas_string_to_sign(account, sas));
  std::string query;
  append(query, "sv", kAzureVersion);
  append(query, "spr", protocol_of(account));
  append(query, "se", expiry_of(sas));
  append(query, "sr", "b");
  append(query, "sp", sas.permissions);
  append(query, "rscd", sas.content_disposition);
  append(query, "rsct", sas.content_type);
  append(query, "sig", base64_encode(signature));
  return query;
}

}  // namespace imgimport
