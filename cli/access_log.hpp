// access_log — one line for each exchange that has ended.
#pragma once

#include <ringfort/engine.hpp>

#include "cli/log_file.hpp"

namespace ringfort::cli {

/// What writes them. Borrow: `file` as long as the engine.
ObserverFactory access_log(LogFile& file);

} // namespace ringfort::cli
