// environment — what a variable of the environment says.
#pragma once

#include <cstdlib>
#include <string>

namespace ringfort::cli {

/// Empty when it is not set.
inline std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

} // namespace ringfort::cli
