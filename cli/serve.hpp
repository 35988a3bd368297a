// serve — `ringfort serve`: an engine from flags, until SIGTERM.
#pragma once

#include "cli/exit_status.hpp"
#include "cli/serve_flags.hpp"

namespace ringfort::cli {

ExitStatus serve(ServeFlags flags);

} // namespace ringfort::cli
