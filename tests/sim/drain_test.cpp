// A drain: what is under way is finished, what is on its way answered, and who is idle ends well.
#include <chrono>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

TEST_CASE("play: a handshake under way when a drain begins is finished, and its request answered") {
  const bool asks = GENERATE(true, false);
  const tls::Context context = ecdsa_context();
  Play play;
  play.serve(hello, &context);
  Actor& client = play.connect();
  peer::Client tls;
  client.send(tls.take_outgoing());
  REQUIRE(play.run_until([&] { return !client.received().empty(); }));
  play.engine().drain(60s);
  REQUIRE(play.converse(client, tls, [&] { return tls.secured(); }));
  if (asks) tls.write(get);
  REQUIRE(play.converse(client, tls, [&] { return client.ended(); }));
  CHECK(tls.received().ends_with("Hello, World!") == asks);
  CHECK_FALSE(client.was_reset());
  CHECK(play.reports().empty());
}

TEST_CASE("play: a request on its way when a drain begins is answered, and the last one") {
  const bool old = GENERATE(true, false); // The connection, or nothing came on it yet.
  Play play;
  play.serve(hello);
  Actor& client = play.connect();
  if (old) {
    client.send(get);
    REQUIRE(play.run_until([&] { return client.received().ends_with("Hello, World!"); }));
    CHECK_FALSE(client.received().contains("connection: close"));
  }
  play.run_for(100ms);
  play.engine().drain(60s);
  play.run_for(400ms);
  CHECK_FALSE(client.ended());
  client.send(get);
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(client.received().contains("\r\nconnection: close\r\n"));
  CHECK_FALSE(client.was_reset());
  REQUIRE(play.run_until([&] { return play.engine().shard(0).ended(); }));
  CHECK(play.reports().empty());
}

TEST_CASE("play: in a drain an idle connection ends in order after drain_idle_timeout") {
  struct Row {
    std::chrono::milliseconds grace;
    std::chrono::milliseconds idle;
    std::chrono::milliseconds stays;
  };
  const Row row = GENERATE(Row{60s, 500ms, 490ms}, Row{60s, 2s, 1'990ms}, Row{60s, 0ms, 0ms},
                           Row{200ms, 500ms, 90ms}); // Half of the grace, at most.
  EngineOptions options = Play::kind_options();
  options.limits.drain_idle_timeout = row.idle;
  Play play(options);
  play.serve(hello);
  Actor& client = connect_answered(play);
  play.run_for(100ms);
  play.engine().drain(row.grace);
  play.run_for(row.stays);
  CHECK_FALSE(client.ended());
  play.run_for(30ms);
  CHECK(client.ended());
  CHECK_FALSE(client.was_reset());
  CHECK(play.reports().empty());
}

TEST_CASE("play: a drain that is made shorter still ends who is idle in order") {
  Play play;
  play.serve(hello);
  Actor& client = connect_answered(play);
  play.engine().drain(60s);
  play.run_for(10ms);
  play.engine().drain(200ms);
  play.run_for(90ms);
  CHECK_FALSE(client.ended());
  play.run_for(30ms);
  CHECK(client.ended());
  CHECK_FALSE(client.was_reset());
  CHECK(play.reports().empty());
}

TEST_CASE("play: who comes to rest late in a drain is ended in order before its grace is over") {
  Play play;
  play.serve([](Exchange& exchange) -> Task<> {
    BodyWriter writer = exchange.stream(200, {});
    (void)co_await writer.write("begun");
    (void)co_await exchange.body().read();
    (void)co_await writer.finish();
  });
  Actor& client = play.connect();
  client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n");
  REQUIRE(play.run_until([&] { return client.received().contains("begun"); }));
  play.engine().drain(1s);
  play.run_for(700ms);
  client.send("x");
  play.run_for(140ms);
  CHECK_FALSE(client.ended());
  play.run_for(40ms);
  CHECK(client.ended());
  CHECK_FALSE(client.was_reset());
  CHECK(play.reports().empty());
}

TEST_CASE("play: requests that wait for their client to take answers are no rest in a drain") {
  EngineOptions options = Play::kind_options();
  options.limits.send_credit_bytes = 16'384;
  options.limits.rate_bytes_per_s_min = 0;
  Play play(options);
  static const std::string page(17'000, 'x'); // In one block, and more than the credit.
  play.serve([](Exchange& exchange) { exchange.respond(200, {}, Payload::forever(page)); });
  Actor& client = play.connect();
  client.listen(false);
  for (int count = 0; count < 5; ++count) client.send(get);
  play.run_for(100ms);
  play.engine().drain(60s);
  play.run_for(5s);
  CHECK_FALSE(client.ended());
  client.listen(true);
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(answer_count(client) == 5);
  CHECK(play.reports().empty());
}

TEST_CASE("play: a client that has said nothing in a drain is drain.refused after its time") {
  const tls::Context context = ecdsa_context();
  Play play;
  play.serve(hello, &context);
  Actor& client = play.connect();
  play.run_for(50ms);
  play.engine().drain(60s);
  play.run_for(400ms);
  CHECK(play.reports().empty());
  play.run_for(200ms);
  CHECK(play.count(Code::drain_refused) == 1);
  CHECK(client.was_reset());
}

} // namespace
} // namespace ringfort::sim
