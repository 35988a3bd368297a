// Faults of requests, handlers and responses, each from the situation that causes it, in virtual
// time: what the client sees, and what is reported.
#include <array>
#include <stdexcept>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/sim/hello.hpp"
#include "tests/sim/streamed.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view post_ten = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n";

std::size_t answers_in(const std::string& text, std::string_view status_line) {
  std::size_t count = 0;
  for (auto at = text.find(status_line); at != std::string::npos; ++count) {
    at = text.find(status_line, at + 1);
  }
  return count;
}

// ---------------------------------------------------------------------------- the request

TEST_CASE("play: a head that takes too long is request_stream.head_timed_out, answered 408") {
  Play play;
  play.serve(hello);
  Actor& client = play.connect();
  client.send("GET / HTTP/1.1\r\nho");
  play.run_for(9s);
  CHECK(play.count(Code::request_stream_head_timed_out) == 0);
  client.send("st: ");
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(play.count(Code::request_stream_head_timed_out) == 1);
  CHECK(client.received().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("play: a body that stops is request_stream.body_timed_out, which its reader learns") {
  Result<Bytes> last;
  EngineOptions options = Play::kind_options();
  options.limits.rate_bytes_per_s_min = 0;
  Play play(options);
  play.serve(Reading{last});
  Actor& client = play.connect();
  client.send(post_ten);
  client.send("half ");
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(play.count(Code::request_stream_body_timed_out) == 1);
  REQUIRE_FALSE(last);
  CHECK(last.error().code == Code::request_stream_body_timed_out);
  CHECK(client.received().starts_with("HTTP/1.1 408 "));
}

TEST_CASE("UP-06: a reset inside a body is request_stream.peer_closed, which its reader learns") {
  Result<Bytes> last;
  Play play;
  play.serve(Reading{last});
  Actor& client = play.connect();
  client.send(post_ten);
  client.send("half ");
  play.run_for(50ms);
  client.abort();
  REQUIRE(play.run_until_closed());
  CHECK(play.count(Code::request_stream_peer_closed) == 1);
  REQUIRE_FALSE(last);
  CHECK(last.error().code == Code::request_stream_peer_closed);
}

TEST_CASE("UP-05: a FIN inside a body is request_stream.cut_short, which its reader learns") {
  Result<Bytes> last;
  Play play;
  play.serve(Reading{last});
  Actor& client = play.connect();
  client.send(post_ten);
  client.send("half ");
  client.finish();
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(play.count(Code::request_stream_cut_short) == 1);
  REQUIRE_FALSE(last);
  CHECK(last.error().code == Code::request_stream_cut_short);
}

TEST_CASE("play: an idle connection is closed after keep_alive_timeout, which is no fault") {
  Play play;
  play.serve(hello);
  Actor& client = play.connect();
  client.send(get);
  play.run_for(64s);
  CHECK_FALSE(client.ended());
  play.run_for(2s);
  CHECK(client.ended());
  CHECK(play.reports().empty());
}

// ---------------------------------------------------------------------------- the handler

TEST_CASE("play: a handler that says nothing is handler.no_response, answered 500") {
  Play play;
  play.serve([](Exchange&) {});
  const Actor& client = play.ask(get);
  CHECK(play.count(Code::handler_no_response) == 1);
  CHECK(client.received().starts_with("HTTP/1.1 500 "));
  CHECK(client.received().contains("\r\nconnection: close\r\n"));
}

TEST_CASE("play: a handler that throws is handler.threw, answered 500") {
  Play play;
  play.serve([](Exchange&) { throw std::runtime_error("on purpose"); });
  const Actor& client = play.ask(get);
  CHECK(play.count(Code::handler_threw) == 1);
  CHECK(client.received().starts_with("HTTP/1.1 500 "));
}

TEST_CASE("UP-09, differs: a coroutine that throws after it has begun to answer is cut") {
  Play play;
  play.serve([](Exchange& exchange) -> Task<> {
    BodyWriter out = exchange.stream(200, {}, 100);
    (void)co_await out.write("begun");
    throw std::runtime_error("on purpose");
  });
  const Actor& client = play.ask(get);
  CHECK(play.count(Code::handler_threw) == 1);
  CHECK(client.was_reset());
}

TEST_CASE("UP-09: an exchange that its handler breaks off is reset, answered or not") {
  for (const bool begun : {false, true}) {
    Result<> late;
    Play play;
    play.serve([&](Exchange& exchange) -> Task<> {
      if (begun) {
        BodyWriter out = exchange.stream(200, {});
        (void)co_await out.write("begun");
      }
      exchange.abort();
      late = co_await exchange.sleep(10ms);
    });
    const Actor& client = play.ask(get);
    CHECK(client.was_reset());
    CHECK_FALSE(client.received().contains("0\r\n\r\n"));
    CHECK_FALSE(client.received().contains(" 500 "));
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Code::request_stream_peer_closed);
  }
}

TEST_CASE("RF-08: a second answer is handler.answered_twice, and only the first is sent") {
  Play play;
  play.serve([](Exchange& exchange) {
    hello(exchange);
    exchange.respond(404, {}, Payload::forever("second"));
  });
  Actor& client = play.connect();
  client.send(get);
  client.send(get);
  REQUIRE(play.run_until([&] { return answers_in(client.received(), "HTTP/1.1 ") == 2; }));
  CHECK(play.count(Code::handler_answered_twice) == 2);
  CHECK(answers_in(client.received(), "HTTP/1.1 200 OK") == 2);
}

TEST_CASE("RF-06: a field that would break the message is handler.bad_response, answered 500") {
  Play play;
  play.serve([](Exchange& exchange) {
    const std::array fields{Field{"x-name", "value\r\nset-cookie: stolen"}};
    exchange.respond(200, fields, Payload::forever("never"));
  });
  const Actor& client = play.ask(get);
  CHECK(play.count(Code::handler_bad_response) == 1);
  CHECK(client.received().starts_with("HTTP/1.1 500 "));
  CHECK_FALSE(client.received().contains("stolen"));
}

TEST_CASE("play: a frame larger than the arena is handler.no_memory, answered 503") {
  Play play;
  play.serve([](Exchange& exchange) -> Task<> {
    std::array<std::byte, 65'536> large{};
    BodyWriter out = exchange.stream(200, {});
    (void)co_await out.write(large);
    (void)co_await out.finish();
  });
  const Actor& client = play.ask(get);
  CHECK(play.count(Code::handler_no_memory) == 1);
  CHECK(client.received().starts_with("HTTP/1.1 503 "));
}

// ---------------------------------------------------------------------------- the response

TEST_CASE("play: a reset while an answer is sent is response_stream.peer_closed to its writer") {
  Result<> last;
  Play play;
  play.serve(Writing{last, 1'000});
  Actor& client = ask_and_take_nothing(play);
  play.run_for(50ms);
  client.abort();
  REQUIRE(play.run_until_closed());
  CHECK(play.count(Code::response_stream_peer_closed) == 1);
  REQUIRE_FALSE(last);
  CHECK(last.error().code == Code::response_stream_peer_closed);
}

TEST_CASE("play: a reader that stops is response_stream.stalled after write_timeout") {
  Result<> last;
  Play play;
  play.serve(Writing{last, 1'000});
  ask_and_take_nothing(play);
  play.run_for(29s);
  CHECK(play.count(Code::response_stream_stalled) == 0);
  const Metrics held = play.engine().metrics();
  CHECK(held.blocks_in_use <= 2 + play.kind_options().limits.send_credit_bytes / 16'384 + 1);
  REQUIRE(play.run_until_closed());
  CHECK(play.count(Code::response_stream_stalled) == 1);
  CHECK_FALSE(last);
}

TEST_CASE("play: a reader that goes on again is served to the end") {
  Result<> last;
  Play play;
  play.serve(Writing{last, 200, 200 * 8'192});
  Actor& client = ask_and_take_nothing(play);
  play.run_for(20s);
  client.listen(true);
  const std::size_t whole = 200 * 8'192;
  REQUIRE(play.run_until([&] { return client.received().size() > whole; }));
  CHECK(last);
  CHECK(play.reports().empty());
}

TEST_CASE("play: blocks that are spent are response_stream.no_blocks, and come back") {
  EngineOptions options = Play::kind_options();
  options.block_count = 16;
  Result<> last;
  Play play(options);
  play.serve(Writing{last, 1'000});
  for (int count = 0; count < 17; ++count) ask_and_take_nothing(play);
  REQUIRE(play.run_until([&] { return play.count(Code::response_stream_no_blocks) > 0; }));
  REQUIRE(play.run_until_closed());
  CHECK(play.engine().metrics().blocks_in_use == 0);
}

TEST_CASE("play: peers that take nothing leave blocks for those that do") {
  EngineOptions options = Play::kind_options();
  options.block_count = 64;
  options.limits.send_credit_bytes = 1'048'576; // One such peer alone could take them all.
  Result<> last;
  Play play(options);
  play.serve(Writing{last, 1'000});
  for (int count = 0; count < 20; ++count) ask_and_take_nothing(play);
  play.run_for(1s);
  CHECK(play.engine().metrics().blocks_in_use < 64 + 20); // Each exchange has one of another pool.
  Actor& good = play.connect();
  good.send(get);
  REQUIRE(play.run_until([&] { return good.received().size() > 8'192'000; }));
  CHECK(play.count(Code::response_stream_no_blocks) == 0);
}

TEST_CASE("RF-05: a body shorter or longer than announced is response_stream.wrong_length, cut") {
  for (const std::uint64_t length : {3u * 8'192 + 1, 3u * 8'192 - 1}) {
    Result<> last;
    Play play;
    play.serve(Writing{last, 3, length});
    const Actor& client = play.ask(get);
    CHECK(play.count(Code::response_stream_wrong_length) == 1);
    CHECK(client.was_reset());
    REQUIRE_FALSE(last);
    CHECK(last.error().code == Code::response_stream_wrong_length);
  }
}

TEST_CASE("RF-09: a write after the end is response_stream.wrong_length, and sends nothing") {
  Result<> late;
  Play play;
  play.serve([&](Exchange& exchange) -> Task<> {
    BodyWriter out = exchange.stream(200, {});
    (void)co_await out.write("whole");
    (void)co_await out.finish();
    late = co_await out.write("late");
  });
  const Actor& client = play.ask(get);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Code::response_stream_wrong_length);
  CHECK(client.received().ends_with("\r\n5\r\nwhole\r\n0\r\n\r\n"));
  CHECK_FALSE(client.was_reset());
}

} // namespace
} // namespace ringfort::sim
