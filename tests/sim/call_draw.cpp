#include "tests/sim/call_draw.hpp"

#include "tests/sim/engine_draw.hpp"

namespace ringfort::sim {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

std::uint32_t draw_count(Prng& prng, std::uint32_t least, std::uint32_t most) {
  return static_cast<std::uint32_t>(prng.between(least, most));
}

/// For one world in three or so: a chance of some thousandths, in the others none.
unsigned draw_level(Prng& prng, unsigned per_mille_max) {
  return prng.chance(300) ? draw_count(prng, 1, per_mille_max) : 0;
}

milliseconds draw_time(Prng& prng, std::uint64_t least_ms, unsigned powers) {
  return milliseconds(least_ms << prng.below(powers));
}

void draw_times(Prng& prng, ClientOptions& client) {
  client.pending_timeout = draw_time(prng, 50, 9);
  client.connect_timeout = draw_time(prng, 50, 8);
  client.handshake_timeout = draw_time(prng, 50, 8);
  client.write_timeout = draw_time(prng, 100, 9);
  client.answer_timeout = draw_time(prng, 100, 9);
  client.body_idle_timeout = draw_time(prng, 100, 9);
  if (prng.chance(300)) client.call_timeout = draw_time(prng, 50, 9);
}

} // namespace

DrawnCalls draw_calls(const CallWorldOptions& options) {
  if (options.asks != nullptr) {
    return {.knobs = {.receive_socket_bytes = 4'096, .send_socket_bytes = 4'096}, .kind = true};
  }
  Prng prng(Prng::mix(options.seed));
  DrawnCalls drawn{.knobs = Knobs::draw(prng), .kind = prng.chance(300)};
  Knobs& knobs = drawn.knobs;
  if (options.records != RecordLayer::user) knobs.draw_records(prng);
  if (drawn.kind) {
    knobs.accept_fails_per_mille = knobs.fatal_per_mille = 0;
  } else {
    knobs.connect_refused_per_mille = draw_level(prng, 400);
    knobs.connect_silent_per_mille = draw_level(prng, 400);
    knobs.connect_cuts_per_mille = draw_level(prng, 500);
    knobs.fatal_per_mille = draw_level(prng, 20);
    if (prng.chance(100)) knobs.descriptors_max = draw_count(prng, 4, 16);
  }
  if (options.plant == Plant::nothing) return drawn;
  knobs.plant = options.plant;
  knobs.plant_after = draw_count(prng, 0, 4);
  return drawn;
}

EngineOptions draw_call_engine(Prng& prng, const CallWorldOptions& options, bool kind) {
  const ScenarioOptions scenario{.context = options.context, .records = options.records};
  EngineOptions engine = draw_engine(prng, scenario).options;
  Limits& limits = engine.limits;
  if (kind) {
    // Room for all calls, their errands and their exchanges, and time enough.
    engine.block_count = 2'048;
    limits.connections_max = 128;
    limits.handshakes_max = 64;
    limits.handler_timeout = 60s;
    // Who answers early reads the rest of any upload, however slowly it comes, and does not leave
    // the next call behind it.
    limits.unread_body_bytes_max = 1'048'576;
    limits.unread_body_timeout = 60s;
    return engine;
  }
  limits.keep_alive_timeout = draw_time(prng, 10, 10);
  limits.write_timeout = draw_time(prng, 100, 9);
  limits.body_idle_timeout = draw_time(prng, 100, 9);
  if (prng.chance(300)) limits.requests_per_connection_max = draw_count(prng, 1, 4);
  return engine;
}

ClientOptions draw_client(Prng& prng, const CallWorldOptions& options, bool kind) {
  ClientOptions client{.tls = prng.chance(500) ? *options.trust : *options.forgetful};
  if (options.asks != nullptr) {
    client.connections_max = 1;
    return client;
  }
  client.connections_max = draw_count(prng, 1, 8);
  client.connections_per_destination_max = draw_count(prng, 1, 4);
  client.idle_per_destination_max = draw_count(prng, 0, 4);
  client.newest_first = prng.chance(500);
  if (prng.chance(300)) client.calls_per_connection_max = draw_count(prng, 1, 4);
  client.idle_timeout = draw_time(prng, 10, 10);
  if (prng.chance(200)) client.connection_age_max = draw_time(prng, 10, 10);
  if (kind) {
    client.pending_timeout = 10min;
    return client;
  }
  if (prng.chance(300)) client.pending_max = draw_count(prng, 0, 7);
  draw_times(prng, client);
  return client;
}

} // namespace ringfort::sim
