// inspect — `ringfort inspect`: asks a running program at its admin socket.
#pragma once

#include <string>

#include "cli/exit_status.hpp"

namespace ringfort::cli {

struct InspectFlags {
  std::string admin;
  std::string what = "status";
  std::string of; ///< which one, where the word asks for one
  bool json = false;
};

/// Sends one line and prints the answer.
ExitStatus inspect(const InspectFlags& flags);

} // namespace ringfort::cli
