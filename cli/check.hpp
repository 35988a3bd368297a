// check — `ringfort check`: what this machine can do, and whether an identity is usable.
#pragma once

#include <string>

#include "cli/exit_status.hpp"

namespace ringfort::cli {

/// Prints one fact per line. `cert` and `key` may both be empty.
ExitStatus check(const std::string& cert, const std::string& key);

} // namespace ringfort::cli
