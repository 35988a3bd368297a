// Faults of accepting, of the handshake and records of a whole connection, of the drain and of the
// ring, in virtual time.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

// ---------------------------------------------------------------------------- accepting

TEST_CASE("play: descriptors that are spent are accept.descriptors_spent, and accepting goes on") {
  Play play(Play::kind_options(), {.descriptors_max = 3}); // The listener and two connections.
  play.serve(hello);
  Actor& first = play.connect();
  Actor& second = play.connect();
  Actor& third = play.connect();
  for (Actor* client : {&first, &second, &third}) client->send(get);
  play.run_for(1s);
  CHECK(first.received().contains("Hello"));
  CHECK(second.received().contains("Hello"));
  CHECK(third.received().empty());
  const auto told = play.count(Code::accept_descriptors_spent);
  CHECK(told >= 1);
  CHECK(told <= 11); // It backs off for 100 ms each time.
  first.close();
  REQUIRE(play.run_until([&] { return third.received().contains("Hello"); }));
}

TEST_CASE("TE-20: a connection beyond connections_max is accept.connections_full, and reset") {
  EngineOptions options = Play::kind_options();
  options.limits.connections_max = 1;
  Play play(options);
  play.serve(hello);
  Actor& first = play.connect();
  first.send(get);
  REQUIRE(play.run_until([&] { return first.received().contains("Hello"); }));
  Actor& second = play.connect();
  REQUIRE(play.run_until([&] { return second.ended(); }));
  CHECK(second.was_reset());
  CHECK(play.count(Code::accept_connections_full) == 1);
  first.close();
  REQUIRE(play.run_until_closed());
  Actor& third = play.connect();
  third.send(get);
  REQUIRE(play.run_until([&] { return third.received().contains("Hello"); }));
}

// ---------------------------------------------------------------------------- the handshake

TEST_CASE("TE-11, TE-12: a handshake that stalls is tls_handshake.timed_out, counted from accept") {
  const tls::Context context = ecdsa_context();
  Play play;
  play.serve(hello, &context);
  Actor& client = play.connect();
  peer::Client tls;
  const std::string hello_record = tls.take_outgoing();
  for (std::size_t at = 0; at < 4; ++at) { // A byte a second does not postpone it.
    client.send(hello_record.substr(at, 1));
    play.run_for(1s);
  }
  CHECK(play.count(Code::tls_handshake_timed_out) == 0);
  play.run_for(1'100ms);
  CHECK(play.count(Code::tls_handshake_timed_out) == 1);
  CHECK(client.ended());
}

TEST_CASE("TE-03, TE-04: a client that leaves in the handshake is tls_handshake.peer_closed") {
  const tls::Context context = ecdsa_context();
  const std::string hello_record = peer::Client().take_outgoing();
  for (const bool reset : {false, true}) {
    Play play;
    play.serve(hello, &context);
    std::uint64_t left = 0;
    for (std::size_t bytes = 0; bytes < hello_record.size(); bytes += 7) {
      Actor& client = play.connect();
      client.send(std::string_view(hello_record).substr(0, bytes));
      play.run_for(20ms);
      reset ? client.abort() : client.finish();
      ++left;
      REQUIRE(play.run_until_closed());
    }
    CHECK(play.count(Code::tls_handshake_peer_closed) == left);
    CHECK(play.reports().size() == left);
  }
}

TEST_CASE("play: plain HTTP to a TLS port is tls_handshake.plain_http, and closed") {
  const tls::Context context = ecdsa_context();
  Play play;
  play.serve(hello, &context);
  play.ask(get);
  CHECK(play.count(Code::tls_handshake_plain_http) == 1);
}

// ---------------------------------------------------------------------------- records

TEST_CASE("play: a FIN without close_notify inside a request is tls_record.truncated") {
  const tls::Context context = ecdsa_context();
  Play play;
  play.serve(
      [](Exchange& exchange) -> Task<> {
        while (true) {
          const auto piece = co_await exchange.body().read();
          if (!piece || piece->empty()) break;
        }
      },
      &context);
  peer::Client tls;
  Actor& client = connect_secured(play, tls);
  tls.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf");
  client.send(tls.take_outgoing());
  client.finish();
  REQUIRE(play.run_until_closed());
  CHECK(play.count(Code::tls_record_truncated) == 1);
}

TEST_CASE("play: a changed record is tls_record.bad_mac, and the client is told by an alert") {
  const tls::Context context = ecdsa_context();
  Play play;
  play.serve(hello, &context);
  peer::Client tls;
  Actor& client = connect_secured(play, tls);
  tls.write(get);
  std::string record = tls.take_outgoing();
  record.back() = static_cast<char>(record.back() ^ 1);
  client.send(record);
  REQUIRE(play.converse(client, tls, [&] { return client.ended(); }));
  CHECK(play.count(Code::tls_record_bad_mac) == 1);
  CHECK(tls.failure().contains("bad record mac"));
}

TEST_CASE("play: plain text after the handshake is tls_record.malformed") {
  const tls::Context context = ecdsa_context();
  Play play;
  play.serve(hello, &context);
  Actor& client = play.connect();
  peer::Client tls;
  REQUIRE(
      play.converse(client, tls, [&] { return tls.secured() && client.received().size() > 900; }));
  client.send(get);
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(play.count(Code::tls_record_malformed) == 1);
}

// ---------------------------------------------------------------------------- the drain

TEST_CASE("play: a drain answers what runs, and says drain.timed_out of what outlasts it") {
  Play play;
  play.serve([](Exchange& exchange) -> Task<> {
    const auto piece = co_await exchange.body().read();
    if (piece) exchange.respond(200, {}, Payload::forever("late"));
  });
  Actor& finishing = play.connect();
  Actor& lasting = play.connect();
  for (Actor* client : {&finishing, &lasting}) {
    client->send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n");
  }
  play.run_for(100ms);
  play.engine().drain(2s);
  play.run_for(1s);
  finishing.send("x");
  REQUIRE(play.run_until([&] { return finishing.ended(); }));
  CHECK(finishing.received().starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(finishing.received().contains("\r\nconnection: close\r\n"));
  REQUIRE(play.run_until([&] { return play.engine().shard(0).ended(); }));
  CHECK(play.count(Code::drain_timed_out) == 1);
  play.run_for(1s);
  CHECK(lasting.was_reset());
}

TEST_CASE("play: a connection that the kernel still hands over in a drain is drain.refused") {
  // The accept goes on once more before its cancellation takes hold.
  Play play(Play::kind_options(), {.cancel_loses_per_mille = 1'000});
  play.serve(hello);
  play.run_for(50ms);
  Actor& client = play.connect();
  play.engine().drain(5s);
  REQUIRE(play.run_until([&] { return play.engine().shard(0).ended(); }));
  play.run_for(1s);
  CHECK(play.count(Code::drain_refused) == 1);
  CHECK(client.was_reset());
}

// ---------------------------------------------------------------------------- the ring

TEST_CASE("play: a ring that the kernel ends is ring.enter_failed, and stops the engine") {
  World world(1, {.enters_max = 10});
  auto engine = Engine::create(Play::kind_options());
  REQUIRE(engine);
  std::uint64_t told = 0;
  (*engine)->on_error([&](const ErrorReport& report) {
    if (report.error.code == Code::ring_enter_failed) ++told;
  });
  // A job that posts itself again keeps the shard turning.
  std::function<void()> turn = [&] { (void)(*engine)->shard(0).post(turn); };
  turn();
  const Result<> ended = (*engine)->run();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == Code::ring_enter_failed);
  CHECK(told == 1);
}

} // namespace
} // namespace ringfort::sim
