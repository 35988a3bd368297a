// access_log — one line for each exchange that has ended.
#pragma once

#include <ringfort/engine.hpp>
#include <ringfort/forwarded.hpp>

#include "cli/log_file.hpp"

namespace ringfort::cli {

/// What writes them. Of `proxies` what they say of the client stands at the end, as claims.
/// Borrow: both as long as the engine.
ObserverFactory access_log(LogFile& file, const TrustedProxies& proxies);

} // namespace ringfort::cli
