// plans — what simulated clients want: requests of every kind, and the ways in which clients
// misbehave, drawn from one source of chance.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/errand.hpp"
#include "tests/sim/prng.hpp"

namespace ringfort::sim {

/// `tag` names the request in the run.
Errand draw_errand(Prng& prng, const std::string& tag, bool closes);
/// A client of a well-behaved or ill-behaved kind, by chance.
Plan draw_plan(Prng& prng, unsigned client, std::uint16_t port);

} // namespace ringfort::sim
