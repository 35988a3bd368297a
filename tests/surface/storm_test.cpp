// A storm of handshakes over the kernel's ring, turn by turn on this very thread.
#include <memory>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/engine.hpp>

#include "tests/peer/identity.hpp"
#include "tests/surface/connection.hpp"

namespace ringfort::surface {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view get = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
constexpr std::string_view body = "Hello, World!";

TEST_CASE("surface: in a storm each turn takes one costly step, and live requests come before it") {
  EngineOptions options;
  options.shards = 1;
  options.block_count = 512;
  options.limits.connections_max = 64;
  const auto engine = *Engine::create(options);
  const tls::Context context = peer::make_context({peer::KeyType::ecdsa_p256});
  const auto bound = engine->serve({.port = 0}, context, [](Shard&) {
    return service([](Exchange& exchange) { exchange.respond(200, {}, Payload::forever(body)); });
  });
  REQUIRE(bound);
  const auto turn = [&] { REQUIRE(engine->shard(0).turn(0ns)); };
  Connection live(bound->port, {});
  while (!live.handshake_step()) turn();
  REQUIRE(engine->metrics().handshake_steps == 1);

  std::vector<std::unique_ptr<Connection>> storm;
  for (int count = 0; count < 20; ++count) {
    storm.push_back(std::make_unique<Connection>(bound->port, peer::ClientOptions{}));
    storm.back()->handshake_step();
  }
  bool asked = false;
  std::uint64_t steps = 1;
  std::uint64_t waiting_beside_the_answer = 0;
  while (engine->metrics().handshakes_full < 21) {
    const std::uint64_t responses = engine->metrics().responses;
    turn();
    const Metrics metrics = engine->metrics();
    CHECK(metrics.handshake_steps - steps <= 1);
    steps = metrics.handshake_steps;
    CHECK(metrics.responses == metrics.requests);
    if (metrics.responses > responses) waiting_beside_the_answer = metrics.handshakes_waiting;
    if (!asked && metrics.handshakes_waiting >= 10) live.send(get), asked = true;
    for (const auto& connection : storm) connection->handshake_step();
  }
  CHECK(steps == 21);
  CHECK(waiting_beside_the_answer >= 5);
  CHECK(live.read_until(body).ends_with(body));
}

} // namespace
} // namespace ringfort::surface
