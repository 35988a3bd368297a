// What a shard says of its living connections, over the kernel's ring, turn by turn.
#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/engine.hpp>

#include "tests/peer/identity.hpp"
#include "tests/surface/connection.hpp"

namespace ringfort::surface {
namespace {

using namespace std::chrono_literals;

struct Served {
  explicit Served(std::uint32_t connections_max) {
    EngineOptions options;
    options.shards = 1;
    options.block_count = 512;
    options.limits.connections_max = connections_max;
    engine = *Engine::create(options);
  }

  void turn() { REQUIRE(engine->shard(0).turn(0ns)); }
  void turn_until(std::uint64_t open) {
    while (engine->metrics().connections_open != open) turn();
  }
  std::vector<ConnectionReport> look() {
    std::vector<ConnectionReport> reports;
    pages = 0;
    std::uint32_t from = 0;
    do {
      const std::size_t before = reports.size();
      from = engine->shard(0).look(from, reports);
      CHECK(reports.size() - before <= 256);
      ++pages;
    } while (from != 0);
    return reports;
  }

  std::unique_ptr<Engine> engine;
  unsigned pages = 0;
};

ServiceFactory streamed_echo() {
  return [](Shard&) {
    return service([](Exchange& exchange) -> Task<> {
      BodyReader body = exchange.body();
      while (true) {
        const auto piece = co_await body.read();
        if (!piece || piece->empty()) break;
      }
      exchange.respond(200, {}, Payload::forever("read"));
    });
  };
}

TEST_CASE("surface: every living connection is looked at once, some hundred at a time") {
  Served served(400);
  const auto bound = served.engine->serve_plain({.port = 0}, streamed_echo());
  REQUIRE(bound);
  CHECK(served.look().empty());
  std::vector<std::unique_ptr<Connection>> clients;
  for (int count = 0; count < 300; ++count) {
    clients.push_back(std::make_unique<Connection>(bound->port));
    served.turn();
  }
  served.turn_until(300);
  const auto all = served.look();
  CHECK(served.pages == 2);
  std::set<std::uint64_t> ids;
  std::set<std::string> peers;
  for (const ConnectionReport& report : all) {
    ids.insert(report.id);
    peers.insert(report.peer);
    CHECK(report.stage == ConnectionStage::idle);
    CHECK_FALSE(report.encrypted);
  }
  CHECK(ids.size() == 300);
  CHECK(peers.size() == 300);
  clients.resize(100);
  served.turn_until(100);
  CHECK(served.look().size() == 100);
}

TEST_CASE("surface: a look tells the stage, the counts and what TLS settled") {
  Served served(8);
  const tls::Context context = peer::make_context({peer::KeyType::ecdsa_p256});
  const auto bound = served.engine->serve({.port = 0}, context, streamed_echo());
  REQUIRE(bound);
  const auto stage = [&] { return served.look().front().stage; };
  Connection client(bound->port, peer::ClientOptions{});
  served.turn_until(1);
  CHECK(stage() == ConnectionStage::handshake);
  CHECK(served.look().front().version.empty());
  while (!client.handshake_step()) served.turn();
  while (stage() != ConnectionStage::idle) served.turn();
  client.send("POST / HTTP/1.1\r\nhost: loc");
  while (stage() != ConnectionStage::head) served.turn();
  CHECK(served.look().front().requests == 0);
  client.send("alhost\r\ncontent-length: 4\r\n\r\nab");
  while (stage() != ConnectionStage::body) served.turn();
  client.send("cd");
  while (stage() != ConnectionStage::idle) served.turn();
  const ConnectionReport report = served.look().front();
  CHECK(report.requests == 1);
  CHECK(report.received_bytes == served.engine->metrics().received_bytes);
  CHECK(report.held_bytes == 0);
  CHECK(report.encrypted);
  CHECK(report.version == "TLSv1.3");
  CHECK(report.suite == "TLS_AES_128_GCM_SHA256");
  CHECK(report.server_name == "localhost");
  CHECK(report.generation == 1);
  CHECK(report.send_records == RecordLayer::user);
  while (served.look().front().queued_bytes > 0) served.turn();
  CHECK(served.look().front().sent_bytes == served.engine->metrics().sent_bytes);
  CHECK(client.read_until("read").ends_with("read"));
}

} // namespace
} // namespace ringfort::surface
