// call_draw — a simulated client's bounds and times, and how kind its world is, drawn.
#pragma once

#include <ringfort/client.hpp>
#include <ringfort/engine.hpp>

#include "tests/sim/call_world.hpp"
#include "tests/sim/knobs.hpp"
#include "tests/sim/prng.hpp"

namespace ringfort::sim {

struct DrawnCalls {
  Knobs knobs;
  /// Nothing is lost or short, and everybody has time: each call has to come to its end.
  bool kind = false;
};

DrawnCalls draw_calls(const CallWorldOptions& options);
/// Of the engine that serves, and of the one that asks, if that is another.
EngineOptions draw_call_engine(Prng& prng, const CallWorldOptions& options, bool kind);
ClientOptions draw_client(Prng& prng, const CallWorldOptions& options, bool kind);

} // namespace ringfort::sim
