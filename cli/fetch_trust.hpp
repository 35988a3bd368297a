// fetch_trust — whom `ringfort fetch` believes: what flags and environment say, read once.
#pragma once

#include <optional>

#include <ringfort/client_tls.hpp>

#include "cli/fetch_flags.hpp"

namespace ringfort::cli {

/// False after a complaint: the environment asks programs not to verify servers.
bool environment_is_safe(Complaints& complaints);

/// Reads every file. The environment's RINGFORT_EXTRA_CA_FILE is believed besides this machine's
/// store, but never besides --cacert. Says loudly what --insecure means. Empty after a complaint.
std::optional<tls::ClientContext> load_trust(const FetchFlags& flags, Complaints& complaints);

/// Whom it believes to be an encrypted proxy: this machine's authorities, or --proxy-cacert's.
std::optional<tls::ClientContext> load_proxy_trust(const FetchFlags& flags, Complaints& complaints);

} // namespace ringfort::cli
