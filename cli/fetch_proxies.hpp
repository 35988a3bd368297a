// fetch_proxies — which proxies `ringfort fetch` goes through: what flags and environment say.
#pragma once

#include <optional>

#include <ringfort/proxy_rules.hpp>

#include "cli/fetch_flags.hpp"

namespace ringfort::cli {

/// --proxy and --no-proxy, each instead of what the environment says by https_proxy, http_proxy,
/// all_proxy and no_proxy, or, but for http_proxy, by their names in capitals. Empty after a
/// complaint.
std::optional<ProxyRules> load_proxies(const FetchFlags& flags, Complaints& complaints);

} // namespace ringfort::cli
