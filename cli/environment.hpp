// environment — what a variable of the environment says.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace ringfort::cli {

/// None when it is not set.
inline std::optional<std::string> variable_if_set(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

/// Empty when it is not set.
inline std::string variable(const char* name) { return variable_if_set(name).value_or(""); }

} // namespace ringfort::cli
