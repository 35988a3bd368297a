#include "tests/sim/engine_draw.hpp"

namespace ringfort::sim {

namespace {

using std::chrono::milliseconds;

EngineOptions common_options(const ScenarioOptions& scenario) {
  EngineOptions options;
  options.shards = 1;
  options.pin_threads = false;
  options.ring_entries = 64;
  options.record_layer = scenario.records;
  options.limits.connections_max = 64;
  return options;
}

/// Where few handshakes may be open, a silent client keeps others waiting, perhaps too long.
bool draw_handshake_limits(Prng& prng, Limits& limits) {
  limits.handshake_steps_max = 1u << prng.below(4);
  if (!prng.chance(300)) return false;
  limits.handshakes_max = static_cast<std::uint32_t>(prng.between(1, 2));
  return true;
}

} // namespace

DrawnEngine draw_engine(Prng& prng, const ScenarioOptions& scenario) {
  DrawnEngine drawn{.options = common_options(scenario)};
  EngineOptions& options = drawn.options;
  Limits& limits = options.limits;
  options.receive_buffer_count = 16u << prng.below(3);
  options.receive_buffer_bytes = 1'024u << prng.below(5);
  limits.receive_credit_bytes = 16'384u << prng.below(3);
  limits.send_credit_bytes = 16'384u << prng.below(5);
  // More than any handler takes that comes to an end by itself.
  limits.handler_timeout = milliseconds(prng.between(2'000, 10'000));
  limits.tunnel_idle_timeout = milliseconds(prng.between(10'000, 60'000));
  drawn.scarce = prng.chance(150);
  // Enough for eight clients, but few enough to shrink what each may queue.
  const bool tight = prng.chance(300);
  options.block_count = drawn.scarce ? static_cast<std::uint32_t>(prng.between(16, 40))
                        : tight      ? static_cast<std::uint32_t>(prng.between(96, 256))
                                     : 2'048;
  if (drawn.scarce && prng.chance(500)) {
    limits.connections_max = static_cast<std::uint32_t>(prng.between(1, 4));
  }
  if (scenario.context != nullptr && draw_handshake_limits(prng, limits)) drawn.scarce = true;
  return drawn;
}

EngineOptions kind_engine(const ScenarioOptions& scenario) {
  EngineOptions options = common_options(scenario);
  options.receive_buffer_count = 16;
  options.receive_buffer_bytes = 4'096;
  options.block_count = 64;
  options.limits.receive_credit_bytes = 16'384;
  options.limits.send_credit_bytes = 16'384;
  options.limits.handler_timeout = milliseconds(2'000);
  return options;
}

} // namespace ringfort::sim
