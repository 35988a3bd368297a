// Peers that are slower than they may be, in virtual time: silent ones, and those that trickle.
#include <array>
#include <cstdint>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "net/minimum_rate.hpp"
#include "tests/sim/hello.hpp"
#include "tests/sim/streamed.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;
using net::MinimumRate;

constexpr std::string_view post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n";

// ---------------------------------------------------------------------------- the balance

TEST_CASE("rate: who moves nothing is late after the grace, and who moves enough never is") {
  MinimumRate rate;
  CHECK(rate.deadline() == MinimumRate::Time::max());
  rate.update(100s, 7, 240);
  CHECK(rate.deadline() == 105s);
  std::uint64_t total_bytes = 7;
  for (int second = 101; second < 200; ++second) {
    total_bytes += 240;
    rate.update(std::chrono::seconds(second), total_bytes, 240);
    CHECK(rate.deadline() == std::chrono::seconds(second) + 5s);
  }
  rate.update(201s, total_bytes + 120, 240); // Two seconds, paid for with half of one.
  CHECK(rate.deadline() == 201s + 3'500ms);
}

TEST_CASE("rate: a pause costs nothing, a fast beginning buys half a minute, a reset grace") {
  MinimumRate rate;
  rate.update(0s, 0, 240);
  rate.pause(2s);
  CHECK_FALSE(rate.waiting());
  rate.update(1'000s, 0, 240);
  CHECK(rate.deadline() == 1'003s);
  rate.update(1'001s, 1'000'000'000'000, 240);
  CHECK(rate.deadline() == 1'001s + MinimumRate::balance_max);
  rate.reset();
  rate.update(2'000s, 1'000'000'000'000, 240);
  CHECK(rate.deadline() == 2'000s + MinimumRate::grace);
}

TEST_CASE("rate: what was taken until nothing was left counts for what comes next") {
  MinimumRate rate;
  rate.update(0s, 0, 240);
  rate.reset();
  rate.update(10s, 480, 240);
  CHECK(rate.deadline() == 10s + MinimumRate::grace + 2s);
  rate.reset();
  rate.update(20s, 100'000, 240); // What a socket's buffer may hold.
  CHECK(rate.deadline() == 20s + MinimumRate::balance_max);
}

// ---------------------------------------------------------------------------- silence

TEST_CASE("slow: who says nothing is accept.first_byte_timed_out, and gets no byte") {
  const tls::Context context = peer::make_context({peer::KeyType::ecdsa_p256});
  for (const tls::Context* served : {static_cast<const tls::Context*>(nullptr), &context}) {
    Play play;
    play.serve(hello, served);
    Actor& client = play.connect();
    play.run_for(1'900ms);
    CHECK(play.count(Code::accept_first_byte_timed_out) == 0);
    play.run_for(200ms);
    CHECK(play.count(Code::accept_first_byte_timed_out) == 1);
    CHECK(client.ended());
    CHECK(client.received().empty());
    CHECK_FALSE(client.was_reset());
  }
}

TEST_CASE("slow: one byte is enough to have the time of a head, or of a handshake") {
  const tls::Context context = peer::make_context({peer::KeyType::ecdsa_p256});
  Play play;
  play.serve(hello, &context);
  Actor& client = play.connect();
  play.run_for(1'900ms);
  client.send("\x16");
  play.run_for(3s);
  CHECK_FALSE(client.ended());
  play.run_for(200ms); // 5 s from accept, not from the first byte.
  CHECK(play.count(Code::tls_handshake_timed_out) == 1);
  CHECK(play.count(Code::accept_first_byte_timed_out) == 0);
}

TEST_CASE("slow: without first_byte_timeout a silent connection has keep_alive_timeout") {
  EngineOptions options = Play::kind_options();
  options.limits.first_byte_timeout = 0ms;
  Play play(options);
  play.serve(hello);
  Actor& client = play.connect();
  play.run_for(60s);
  CHECK_FALSE(client.ended());
  play.run_for(6s);
  CHECK(client.ended());
}

// ---------------------------------------------------------------------------- requests

TEST_CASE("slow: a body that trickles is request_stream.too_slow, answered 408") {
  Result<Bytes> last;
  Play play;
  play.serve(Reading{last});
  Actor& client = play.connect();
  client.send(post);
  int seconds = 0;
  for (; !client.ended() && seconds < 60; ++seconds) {
    client.send("x");
    play.run_for(1s);
  }
  CHECK(seconds == 5);
  CHECK(play.count(Code::request_stream_too_slow) == 1);
  REQUIRE_FALSE(last);
  CHECK(last.error().code == Code::request_stream_too_slow);
  CHECK(client.received().starts_with("HTTP/1.1 408 "));
}

TEST_CASE("slow: a body at the rate is read to the end of request_timeout, and no longer") {
  Result<Bytes> last;
  Play play;
  play.serve(Reading{last});
  Actor& client = play.connect();
  client.send(post);
  const std::string second(250, 'x');
  int seconds = 0;
  for (; !client.ended() && seconds < 400; ++seconds) {
    client.send(second);
    play.run_for(1s);
  }
  CHECK(seconds >= 299); // Connecting took a moment.
  CHECK(seconds <= 301);
  CHECK(play.count(Code::request_stream_too_slow) == 0);
  CHECK(play.count(Code::request_stream_timed_out) == 1);
  CHECK(client.received().starts_with("HTTP/1.1 408 "));
}

TEST_CASE("slow: request_timeout begins anew with each request of a connection") {
  EngineOptions options = Play::kind_options();
  options.limits.request_timeout = 10s;
  Play play(options);
  play.serve(hello);
  Actor& client = play.connect();
  for (int request = 0; request < 8; ++request) {
    client.send("GET / HTTP/1.1\r\n");
    play.run_for(4s);
    client.send("host: a\r\n\r\n");
    play.run_for(4s);
  }
  CHECK(play.engine().metrics().responses == 8);
  CHECK(play.count(Code::request_stream_timed_out) == 0);
  client.send("GET / HT");
  play.run_for(9s);
  CHECK_FALSE(client.ended());
  play.run_for(2s); // head_timeout is as long, and looked at first.
  CHECK(client.received().find("HTTP/1.1 408 ") != std::string::npos);
}

TEST_CASE("slow: of requests that come into each other each has its own time") {
  EngineOptions options = Play::kind_options();
  options.limits.request_timeout = 10s;
  Play play(options);
  play.serve(hello);
  Actor& client = play.connect();
  client.send("GET / HT");
  for (int request = 1; request <= 8; ++request) {
    play.run_for(4s);
    client.send("TP/1.1\r\nhost: a\r\n\r\nGET / HT");
    play.run_for(100ms);
    CHECK(play.engine().metrics().responses == static_cast<std::uint64_t>(request));
  }
  play.run_for(9s);
  CHECK_FALSE(client.ended());
  play.run_for(2s);
  CHECK(client.ended());
}

/// Reads a piece of the body, writes 400 KiB, reads the rest, and ends.
Task<> in_between(Exchange& exchange) {
  static constexpr std::array<std::byte, 8'192> piece{};
  (void)co_await exchange.body().read();
  BodyWriter out = exchange.stream(200, {});
  for (int count = 0; count < 50; ++count) {
    if (!co_await out.write(piece)) co_return;
  }
  (void)co_await exchange.body().read();
  (void)co_await out.finish();
}

TEST_CASE("slow: what the handler takes of request_timeout is not the peer's") {
  EngineOptions options = Play::kind_options();
  options.limits.request_timeout = 10s;
  options.limits.rate_bytes_per_s_min = 0;
  Play play(options);
  play.serve(in_between);
  Actor& client = play.connect();
  client.listen(false);
  client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n");
  play.run_for(3s);
  client.send("half ");
  play.run_for(20s);
  client.listen(true);
  play.run_for(5s); // Now the peer is waited for, and has most of its time left.
  client.send("half.");
  play.run_for(100ms);
  CHECK(play.count(Code::request_stream_timed_out) == 0);
  CHECK(play.engine().metrics().responses == 1);
  CHECK_FALSE(client.ended());
}

// ---------------------------------------------------------------------------- responses

TEST_CASE("slow: a response that is taken too slowly is response_stream.too_slow, and cut") {
  Result<> last;
  EngineOptions options = Play::kind_options();
  options.limits.rate_bytes_per_s_min = 1'000'000'000; // What the kernel took at first is little.
  Play play(options);
  play.serve(Writing{last, SIZE_MAX}); // Without end.
  ask_and_take_nothing(play);
  play.run_for(4'900ms);
  CHECK(play.count(Code::response_stream_too_slow) == 0);
  play.run_for(300ms);
  CHECK(play.count(Code::response_stream_too_slow) == 1);
  CHECK(play.count(Code::response_stream_stalled) == 0);
  CHECK_FALSE(last);
}

} // namespace
} // namespace ringfort::sim
