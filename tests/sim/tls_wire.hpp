// tls_wire — a TLS client over memory: OpenSSL between two BIOs.
#pragma once

#include <memory>

#include "tests/sim/wire.hpp"

namespace ringfort::sim {

/// Speaks TLS 1.3, or 1.2 when `old`. Verifies no certificate: that is not what worlds are for.
std::unique_ptr<Wire> make_tls_wire(bool old);

} // namespace ringfort::sim
