// fetch — `ringfort fetch`: asks a server, and hands on what it answers.
#pragma once

#include "cli/exit_status.hpp"
#include "cli/fetch_flags.hpp"

namespace ringfort::cli {

/// The body goes to standard output, failures to standard error, a line each. Answers how the first
/// call that failed did so.
ExitStatus fetch(const FetchFlags& flags);

} // namespace ringfort::cli
