// engine_draw — the engine of a scenario, drawn: how much it may hold, and how long it waits.
#pragma once

#include <ringfort/engine.hpp>

#include "tests/sim/prng.hpp"
#include "tests/sim/scenario.hpp"

namespace ringfort::sim {

struct DrawnEngine {
  EngineOptions options;
  bool scarce = false; ///< it has too little for all, and may refuse who comes
};

DrawnEngine draw_engine(Prng& prng, const ScenarioOptions& options);
/// One that has enough, for a scenario whose clients are given.
EngineOptions kind_engine(const ScenarioOptions& options);

} // namespace ringfort::sim
