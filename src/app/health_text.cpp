#include "app/health_text.hpp"

#include <boost/json.hpp>

namespace imgimport {
namespace {

std::string with_part(const std::string& text, std::string_view name, std::string_view trouble) {
  return text + (text.find(": ") == std::string::npos ? ": " : "; ") + std::string(name) + ": " + std::string(trouble);
}

}  // namespace

std::string_view to_string(HealthStatus status) noexcept {
  switch (status) {
    case HealthStatus::kHealthy:
      return "healthy";
    case HealthStatus::kDegraded:
      return "degraded";
    case HealthStatus::kFailed:
      return "failed";
  }
  return "failed";
}

std::string state_text(const Health& health) {
  if (health.status == HealthStatus::kHealthy) return {};
  std::string text(to_string(health.status));
  for (const Health::Part& part : health.troubles) text = with_part(text, part.name, part.trouble);
  return text;
}

std::string state_text(std::string_view health_json) {
  boost::system::error_code failed;
  const auto parsed = boost::json::parse(health_json, failed);
  if (failed || !parsed.is_object()) return {};
  const auto* status = parsed.get_object().if_contains("status");
  if (status == nullptr || !status->is_string()) return {};
  std::string text(status->get_string());
  if (!is_state_text(text)) return {};
  const auto* parts = parsed.get_object().if_contains("parts");
  if (parts == nullptr || !parts->is_object()) return text;
  for (const auto& part : parts->get_object()) {
    if (part.value().is_string()) text = with_part(text, part.key(), part.value().get_string());
  }
  return text;
}

bool is_state_text(std::string_view trouble) noexcept {
  for (const HealthStatus status : {HealthStatus::kDegraded, HealthStatus::kFailed}) {
    const std::string_view name = to_string(status);
    if (!trouble.starts_with(name)) continue;
    if (trouble.size() == name.size() || trouble.substr(name.size()).starts_with(": ")) return true;
  }
  return false;
}

}  // namespace imgimport
