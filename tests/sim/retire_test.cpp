// A retirement: nobody who was accepted, or waits for it, is refused; each connection ends with its
// next answer, and what is left after the grace is drained.
#include <chrono>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/client.hpp"
#include "tests/peer/identity.hpp"
#include "tests/sim/play.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view get = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

void hello(Exchange& exchange) { exchange.respond(200, {}, Payload::forever("hello")); }

bool ended(Play& play) { return play.engine().shard(0).ended(); }

TEST_CASE("retire: an idle connection stays, its next answer is the last one, and the shard ends") {
  Play play;
  play.serve(hello);
  Actor& client = play.connect();
  client.send(get);
  REQUIRE(play.run_until([&] { return client.received().ends_with("hello"); }));
  play.engine().retire(60s);
  play.run_for(10s);
  CHECK_FALSE(client.ended());
  client.send(get);
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(client.received().contains("\r\nconnection: close\r\n"));
  CHECK_FALSE(client.was_reset());
  REQUIRE(play.run_until([&] { return ended(play); }));
  CHECK(play.reports().empty());
}

TEST_CASE("retire: who waits to be accepted is served, also when the accept is ending") {
  for (const unsigned lost_per_mille : {0U, 1'000U}) {
    Play play(Play::kind_options(), {.cancel_loses_per_mille = lost_per_mille});
    play.serve(hello);
    play.run_for(50ms);
    Actor& client = play.connect();
    client.send(get);
    play.engine().retire(60s);
    REQUIRE(play.run_until([&] { return client.ended(); }));
    CHECK(client.received().ends_with("hello"));
    CHECK_FALSE(client.was_reset());
    REQUIRE(play.run_until([&] { return ended(play); }));
    CHECK(play.reports().empty());
  }
}

TEST_CASE("retire: a handshake that has not begun is made, and its request answered") {
  const tls::Context context = peer::make_context({peer::KeyType::ecdsa_p256});
  Play play;
  play.serve(hello, &context);
  Actor& client = play.connect();
  play.run_for(50ms);
  play.engine().retire(60s);
  play.run_for(50ms);
  peer::Client tls;
  REQUIRE(play.converse(client, tls, [&] { return tls.secured(); }));
  tls.write(get);
  REQUIRE(play.converse(client, tls, [&] { return client.ended(); }));
  CHECK_FALSE(client.was_reset());
  CHECK(play.reports().empty());
}

TEST_CASE("retire: what is left after the grace is drained, and after another one cut") {
  Play play;
  play.serve([](Exchange& exchange) -> Task<> {
    (void)co_await exchange.body().read();
    exchange.respond(200, {}, Payload::forever("late"));
  });
  Actor& idle = play.connect();
  Actor& lasting = play.connect();
  lasting.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n");
  play.run_for(50ms);
  play.engine().retire(1s);
  play.run_for(900ms);
  CHECK_FALSE(idle.ended());
  play.run_for(700ms); // And drain_idle_timeout.
  CHECK(idle.ended());
  CHECK_FALSE(idle.was_reset());
  CHECK_FALSE(lasting.ended());
  REQUIRE(play.run_until([&] { return ended(play); }));
  play.run_for(1s);
  CHECK(lasting.was_reset());
  CHECK(play.count(Code::drain_timed_out) == 1);
}

TEST_CASE("retire: a drain takes over, and a second retirement changes nothing") {
  Play play;
  play.serve(hello);
  Actor& client = play.connect();
  play.run_for(50ms);
  play.engine().retire(60s);
  play.engine().retire(1ms);
  play.run_for(1s);
  CHECK_FALSE(client.ended());
  play.engine().drain(60s);
  REQUIRE(play.run_until([&] { return ended(play); }));
  CHECK(client.ended());
}

} // namespace
} // namespace ringfort::sim
