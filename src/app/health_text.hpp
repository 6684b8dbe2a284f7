// What a service says of itself, as one sentence beside its name: "degraded: database: the database does not answer".
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "imgimport/module.hpp"

namespace imgimport {

std::string_view to_string(HealthStatus status) noexcept;

// Empty: it is healthy.
std::string state_text(const Health& health);
// The same of what a service answers to GET /health; empty, too, where that is not understood.
std::string state_text(std::string_view health_json);

// Whether that is what a service says of itself, rather than why it does not answer.
bool is_state_text(std::string_view trouble) noexcept;

}  // namespace imgimport
