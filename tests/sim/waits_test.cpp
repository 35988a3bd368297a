// Handlers that wait for something that is not their peer's: a wake, a time; and for how long.
#include <optional>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/answers.hpp>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

/// What a handler that waits to be woken gives to who wakes it, and tells.
struct Bell {
  std::optional<Waker> waker;
  int begun = 0;
  std::optional<Code> failed;
};

Task<> answer_when_woken(Exchange& exchange, Bell& bell) {
  ++bell.begun;
  bell.waker = exchange.waker();
  if (const auto woken = co_await exchange.woken(); !woken) {
    bell.failed = woken.error().code;
    co_return;
  }
  answer_text(exchange, 200, "woken");
}

auto bell_handler(Bell& bell) {
  return [&bell](Exchange& exchange) -> Task<> { return answer_when_woken(exchange, bell); };
}

TEST_CASE("wait: a handler that is woken from elsewhere goes on, in its own turn") {
  Bell bell;
  Play play;
  play.serve(bell_handler(bell));
  Actor& client = play.connect();
  client.send(get);
  play.run_for(30s);
  REQUIRE(bell.begun == 1);
  CHECK(client.received().empty());
  CHECK(bell.waker->wake());
  CHECK(client.received().empty());
  REQUIRE(play.run_until([&] { return client.received().ends_with("woken"); }));
  CHECK(told(play) == "");
}

TEST_CASE("wait: a wake that comes first is not lost, several count as one, a late one as none") {
  Bell bell;
  Play play;
  play.serve([&bell](Exchange& exchange) -> Task<> {
    bell.waker = exchange.waker();
    bell.waker->wake();
    bell.waker->wake();
    if (!co_await exchange.sleep(1s)) co_return;
    if (!co_await exchange.woken()) co_return;
    ++bell.begun;
    if (!co_await exchange.woken()) co_return;
    answer_text(exchange, 200, "twice");
  });
  Actor& client = play.connect();
  client.send(get);
  play.run_for(10s);
  CHECK(bell.begun == 1);
  CHECK(client.received().empty());
  bell.waker->wake();
  REQUIRE(play.run_until([&] { return client.received().ends_with("twice"); }));
  const Waker late = *bell.waker;
  late.wake(); // Nobody waits: the exchange is over, and the next one is another.
  client.send(get);
  play.run_for(3s);
  CHECK(bell.begun == 2);
  bell.waker->wake();
  REQUIRE(play.run_until([&] { return client.news().ends_with("twice"); }));
  client.close();
  CHECK(play.run_until_closed());
  CHECK(late.wake()); // The shard lives, the connection does not.
  play.run_for(1s);
}

TEST_CASE("wait: a sleep ends on time, and requests that came meanwhile are answered in order") {
  Play play;
  play.serve([](Exchange& exchange) -> Task<> {
    if (!co_await exchange.sleep(2s)) co_return;
    answer_text(exchange, 200, exchange.head().target);
  });
  Actor& client = play.connect();
  client.send("GET /one HTTP/1.1\r\nhost: a\r\n\r\nGET /two HTTP/1.1\r\nhost: a\r\n\r\n");
  play.run_for(1'990ms);
  CHECK(client.received().empty());
  play.run_for(100ms);
  CHECK(client.received().ends_with("/one"));
  play.run_for(1'900ms);
  CHECK(client.received().ends_with("/one"));
  play.run_for(200ms);
  CHECK(client.received().ends_with("/two"));
}

TEST_CASE("wait: a peer that leaves fails the wait, and the handler runs to its end") {
  for (const bool secured : {false, true}) {
    const tls::Context context = ecdsa_context();
    Bell bell;
    Play play;
    play.serve(bell_handler(bell), secured ? &context : nullptr);
    peer::Client tls;
    Actor& client = secured ? connect_secured(play, tls) : play.connect();
    if (secured) {
      tls.write(get);
      REQUIRE(play.converse(client, tls, [&] { return bell.begun == 1; }));
    } else {
      client.send(get);
      REQUIRE(play.run_until([&] { return bell.begun == 1; }));
    }
    client.abort();
    REQUIRE(play.run_until_closed());
    CHECK(bell.failed == Code::request_stream_peer_closed);
    CHECK(play.count(Code::response_stream_peer_closed) == 1);
    CHECK(bell.waker->wake()); // Too late, and no harm.
    play.run_for(1s);
  }
}

TEST_CASE("UP-07, differs: a peer that only ends its direction is still answered") {
  Bell bell;
  Play play;
  play.serve(bell_handler(bell));
  Actor& client = play.connect();
  client.send(get);
  client.finish();
  play.run_for(5s);
  REQUIRE(bell.begun == 1);
  bell.waker->wake();
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(client.received().ends_with("woken"));
  CHECK_FALSE(client.was_reset());
}

// ---------------------------------------------------------------------------- how long

TEST_CASE("wait: a handler that takes too long is handler.timed_out, answered 503") {
  Bell bell;
  EngineOptions options = Play::kind_options();
  options.limits.handler_timeout = 7s;
  Play play(options);
  play.serve(bell_handler(bell));
  Actor& client = play.connect();
  client.send(get);
  play.run_for(6'900ms);
  CHECK(play.count(Code::handler_timed_out) == 0);
  play.run_for(200ms);
  CHECK(play.count(Code::handler_timed_out) == 1);
  CHECK(bell.failed == Code::handler_timed_out);
  CHECK(client.received().starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK(client.received().contains("connection: close\r\n"));
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK_FALSE(client.was_reset());
  CHECK(play.reports().size() == 1);
}

TEST_CASE("wait: a handler that will not hear of its deadline cannot wait any longer") {
  EngineOptions options = Play::kind_options();
  options.limits.handler_timeout = 1s;
  Play play(options);
  int failures = 0;
  play.serve([&failures](Exchange& exchange) -> Task<> {
    for (int wait = 0; wait < 3; ++wait) {
      if (!co_await exchange.sleep(700ms)) ++failures;
    }
    if (!co_await exchange.body().read()) ++failures;
  });
  Actor& client = play.connect();
  client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n");
  play.run_for(1'100ms);
  CHECK(failures == 3); // The first sleep was in time.
  CHECK(client.received().starts_with("HTTP/1.1 503 "));
  CHECK(play.count(Code::handler_timed_out) == 1);
}

TEST_CASE("wait: what the peer takes is not the handler's time, and each piece brings it anew") {
  EngineOptions options = Play::kind_options();
  options.limits.handler_timeout = 3s;
  options.limits.rate_bytes_per_s_min = 0;
  Play play(options);
  play.serve([](Exchange& exchange) -> Task<> {
    if (!co_await exchange.sleep(2s)) co_return;
    if (!co_await exchange.body().read()) co_return; // The peer takes 10 s.
    if (!co_await exchange.sleep(900ms)) co_return;
    BodyWriter out = exchange.stream(200, {});
    for (int piece = 0; piece < 5; ++piece) {
      if (!co_await exchange.sleep(2'900ms)) co_return;
      if (!co_await out.write("tick")) co_return;
    }
    (void)co_await exchange.sleep(3'100ms); // And this is too long.
  });
  Actor& client = play.connect();
  client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\n");
  play.run_for(10s);
  client.send("x");
  play.run_for(16s);
  CHECK(told(play) == "");
  CHECK_FALSE(client.ended());
  play.run_for(4s);
  CHECK(play.count(Code::handler_timed_out) == 1);
  CHECK(client.was_reset()); // The message is not whole, and its peer can see that.
  CHECK(client.received().ends_with("tick\r\n"));
}

TEST_CASE("wait: without a handler_timeout a handler may wait as long as it likes") {
  Bell bell;
  EngineOptions options = Play::kind_options();
  options.limits.handler_timeout = 0s;
  Play play(options);
  play.serve(bell_handler(bell));
  Actor& client = play.connect();
  client.send(get);
  play.run_for(1h);
  bell.waker->wake();
  REQUIRE(play.run_until([&] { return client.received().ends_with("woken"); }));
}

TEST_CASE("wait: a drain is seen by a handler, and cuts one that waits on") {
  Play play;
  bool saw = false;
  play.serve([&saw](Exchange& exchange) -> Task<> {
    while (co_await exchange.sleep(1s)) saw = saw || exchange.draining();
  });
  Actor& client = play.connect();
  client.send(get);
  play.run_for(5s);
  CHECK_FALSE(saw);
  play.engine().drain(3s);
  play.run_for(5s);
  CHECK(client.was_reset());
  CHECK(saw);
  CHECK(play.count(Code::drain_timed_out) == 1);
}

// ---------------------------------------------------------------------------- unread bodies

constexpr std::string_view long_post =
    "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n";

TEST_CASE("UP-03: an early answer may drain more than the limit, and keeps the connection") {
  Play play;
  play.serve([](Exchange& exchange) {
    exchange.drain_body(100'000);
    answer_text(exchange, 415, "no");
  });
  Actor& client = play.connect();
  client.send(long_post);
  REQUIRE(play.run_until([&] { return client.received().ends_with("no"); }));
  client.send(std::string(100'000, 'x'));
  client.send(get);
  REQUIRE(play.run_until([&] { return client.news().ends_with("no"); }));
  play.run_for(1s);
  CHECK_FALSE(client.ended());
  CHECK_FALSE(client.received().contains("connection: close"));
}

TEST_CASE("UP-04: an early answer may close instead, and still arrives whole") {
  Play play;
  play.serve([](Exchange& exchange) {
    exchange.close_after();
    answer_text(exchange, 415, "no");
  });
  Actor& client = play.connect();
  client.send(std::string(long_post).append(50'000, 'x'));
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(client.received().contains("connection: close\r\n"));
  CHECK(client.received().ends_with("no"));
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("unread: a rest that does not come is request_stream.unread_timed_out") {
  Play play;
  play.serve([](Exchange& exchange) { answer_text(exchange, 415, "no"); });
  Actor& client = play.connect();
  client.send(long_post);
  for (int second = 0; second < 4; ++second) {
    play.run_for(1s);
    client.send("x"); // A byte now and then does not lengthen it.
  }
  CHECK(play.count(Code::request_stream_unread_timed_out) == 0);
  play.run_for(1'200ms);
  CHECK(play.count(Code::request_stream_unread_timed_out) == 1);
  CHECK(client.received().ends_with("no"));
  REQUIRE(play.run_until([&] { return client.ended(); }));
}

} // namespace
} // namespace ringfort::sim
