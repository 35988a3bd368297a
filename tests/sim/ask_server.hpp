// ask_server — what answers simulated calls, each in the manner that its target says, and keeps
// what was heard.
#pragma once

#include <memory>

#include <ringfort/service.hpp>

#include "tests/sim/ask.hpp"

namespace ringfort::sim {

/// Borrow: both outlive the service.
std::unique_ptr<Service> serve_asks(Prng& prng, Ledger& ledger);

} // namespace ringfort::sim
