// Bodies that a handler wants whole, coroutines that it awaits, and the short answers.
#include <stdexcept>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/answers.hpp>
#include <ringfort/whole_body.hpp>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t taken_bytes_max = 10;

Task<> reverse(Exchange& exchange) {
  const auto body = co_await whole_body(exchange, taken_bytes_max);
  if (!body) co_return;
  const std::string text(body->text().rbegin(), body->text().rend());
  answer_text(exchange, 200, text);
}

std::string post(std::string_view fields_and_body) {
  return std::string("POST / HTTP/1.1\r\nhost: a\r\n").append(fields_and_body);
}

TEST_CASE("play: a body is handed over whole, in one piece, in several, in chunks, and empty") {
  Play play;
  play.serve(reverse);
  Actor& client = play.connect();
  client.send(post("content-length: 10\r\n\r\n0123456789"));
  REQUIRE(play.run_until([&] { return client.received().ends_with("\r\n\r\n9876543210"); }));
  client.send(post("content-length: 6\r\n\r\nabc"));
  play.run_for(1s);
  client.send("def");
  REQUIRE(play.run_until([&] { return client.received().ends_with("\r\n\r\nfedcba"); }));
  client.send(post("transfer-encoding: chunked\r\n\r\n3\r\nxyz\r\n2\r\nuv\r\n0\r\n\r\n"));
  REQUIRE(play.run_until([&] { return client.received().ends_with("\r\n\r\nvuzyx"); }));
  (void)client.news();
  client.send(get);
  REQUIRE(play.run_until([&] { return client.received().ends_with("content-length: 0\r\n\r\n"); }));
  CHECK(play.reports().empty());
}

TEST_CASE("play: a body that is too large is request_stream.body_too_large, answered 413") {
  for (const std::string_view body :
       {"content-length: 11\r\n\r\n", "content-length: 18446744073709551615\r\n\r\n",
        "content-length: 11\r\nexpect: 100-continue\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n6789a\r\n"}) {
    Play play;
    play.serve(reverse);
    Actor& client = play.ask(post(body));
    CHECK(play.count(Code::request_stream_body_too_large) == 1);
    CHECK(client.received().starts_with("HTTP/1.1 413 Content Too Large\r\n"));
    CHECK(client.received().contains("connection: close\r\n"));
    CHECK_FALSE(client.was_reset());
    CHECK(play.reports().size() == 1);
  }
}

TEST_CASE("play: a handler may answer for a body that is too large in its own words") {
  Play play;
  play.serve([](Exchange& exchange) -> Task<> {
    const auto body = co_await whole_body(exchange, taken_bytes_max);
    if (!body) answer_json(exchange, fault_of(body.error().code).status, "{}");
  });
  const Actor& client = play.ask(post("content-length: 11\r\n\r\n"));
  CHECK(client.received().starts_with("HTTP/1.1 413 Content Too Large\r\n"
                                      "content-type: application/json\r\n"));
  CHECK(client.received().ends_with("\r\n\r\n{}"));
}

TEST_CASE("play: a whole body that ends early, with its client, gives everything back") {
  Play play;
  play.serve(reverse);
  Actor& client = play.connect();
  client.send(post("content-length: 6\r\n\r\nabc"));
  play.run_for(1s);
  client.abort();
  REQUIRE(play.run_until_closed());
  CHECK(client.received().empty());
}

Task<Result<int>> sum(Exchange& exchange, int summands) {
  if (summands < 0) throw std::range_error("a negative count");
  if (summands == 0) co_return 0;
  const auto rest = co_await sum(exchange, summands - 1);
  if (!rest) co_return std::unexpected(rest.error());
  co_return *rest + summands;
}

TEST_CASE(
    "play: a handler awaits coroutines, which await others, and learns of one without memory") {
  Play play;
  play.serve([](Exchange& exchange) -> Task<> {
    const bool deep = exchange.head().target == "/deep";
    const auto answer = co_await sum(exchange, deep ? 10'000 : 10);
    if (answer) co_return answer_text(exchange, 200, std::to_string(*answer));
    answer_text(exchange, 503, answer.error().code == Code::handler_no_memory ? "none" : "else");
  });
  Actor& client = play.connect();
  client.send(get);
  REQUIRE(play.run_until([&] { return client.received().ends_with("\r\n\r\n55"); }));
  client.send("GET /deep HTTP/1.1\r\nhost: a\r\n\r\n");
  REQUIRE(play.run_until([&] { return client.received().ends_with("\r\n\r\nnone"); }));
}

TEST_CASE("play: what an awaited coroutine throws reaches its handler, here handler.threw") {
  Play play;
  play.serve([](Exchange& exchange) -> Task<> {
    try {
      (void)co_await sum(exchange, -1);
    } catch (const std::range_error& error) {
      answer_text(exchange, 400, error.what());
      co_return;
    }
  });
  CHECK(play.ask(get).received().ends_with("\r\n\r\na negative count"));
  Play other;
  other.serve([](Exchange& exchange) -> Task<> { (void)co_await sum(exchange, -1); });
  CHECK(other.ask(get).received().starts_with("HTTP/1.1 500 "));
  CHECK(other.count(Code::handler_threw) == 1);
}

TEST_CASE("play: text of any length is answered from memory that nobody keeps") {
  Play play;
  play.serve([](Exchange& exchange) { answer_text(exchange, 200, std::string(300'000, 'x')); });
  const Actor& client = play.ask(get);
  CHECK(client.received().contains("content-type: text/plain; charset=utf-8\r\n"));
  CHECK(client.received().ends_with("\r\n\r\n" + std::string(300'000, 'x')));
}

TEST_CASE("play: a redirect names the other place, and one to nowhere is handler.bad_response") {
  Play play;
  play.serve([](Exchange& exchange) {
    const std::string_view target = exchange.head().target;
    redirect(exchange, target == "/two" ? 200 : 308, target == "/lf" ? "/a\nb: c" : "/b?c=d");
  });
  CHECK(play.ask(get).received().starts_with("HTTP/1.1 308 Permanent Redirect\r\n"
                                             "location: /b?c=d\r\n"));
  CHECK(play.count(Code::handler_bad_response) == 0);
  for (const std::string target : {"/two", "/lf"}) {
    const Actor& client = play.ask("GET " + target + " HTTP/1.1\r\nhost: a\r\n\r\n");
    CHECK(client.received().starts_with("HTTP/1.1 500 "));
  }
  CHECK(play.count(Code::handler_bad_response) == 2);
}

} // namespace
} // namespace ringfort::sim
