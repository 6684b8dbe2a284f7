// Environment variables as a function, so that tests bring their own.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace imgimport {

// The value of a variable; nullopt = not set. Thread-safe; stays the same while the program runs.
using EnvironmentLookup = std::function<std::optional<std::string>(std::string_view name)>;

// As looked up, where an empty value counts as not set: docker compose passes variables on that way.
inline std::optional<std::string> environment_value(const EnvironmentLookup& environment, std::string_view name) {
  auto value = environment ? environment(name) : std::nullopt;
  return value && !value->empty() ? std::move(value) : std::nullopt;
}

}  // namespace imgimport
