// Interim answers, and connections that leave HTTP: Upgrade and CONNECT.
#include <array>
#include <optional>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/answers.hpp>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view upgrade = "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, "
                                     "Upgrade\r\nupgrade: websocket, Echo\r\n\r\n";
constexpr std::string_view connect_request =
    "CONNECT b.example:443 HTTP/1.1\r\nhost: b.example:443\r\n\r\n";

/// What a tunnel's handler saw.
struct Seen {
  std::string target;
  int ended = 0;
  std::optional<Code> failed;
};

Task<> echo_through(Exchange& exchange, std::string_view protocol, Seen& seen) {
  const std::array fields{Field{"x-tunnel", "yes"}};
  BodyWriter out = exchange.open_tunnel(protocol, fields);
  while (true) {
    const auto piece = co_await exchange.body().read();
    if (!piece) {
      seen.failed = piece.error().code;
      co_return;
    }
    if (piece->empty()) break;
    if (const auto written = co_await out.write(*piece); !written) co_return;
  }
  ++seen.ended;
  seen.target = exchange.head().target; // Still there, though its bytes have long gone.
  (void)co_await out.finish();
}

auto echo_handler(Seen& seen) {
  return [&seen](Exchange& exchange) -> Task<> {
    const bool connects = exchange.head().method == Method::connect;
    return echo_through(exchange, connects ? "" : "echo", seen);
  };
}

/// A connection whose request is answered by a head, with nothing behind it.
Actor& ask_for_tunnel(Play& play, std::string_view request) {
  Actor& client = play.connect();
  client.send(request);
  REQUIRE(play.run_until([&] { return client.received().ends_with("\r\n\r\n"); }));
  return client;
}

TEST_CASE("EX-04: an upgrade is answered 101, and what follows is the protocol's, both ways") {
  Seen seen;
  Play play;
  play.serve(echo_handler(seen));
  Actor& client = play.connect();
  client.send(std::string(upgrade).append("early"));
  REQUIRE(play.run_until([&] { return client.received().ends_with("early"); }));
  CHECK(client.received().starts_with("HTTP/1.1 101 Switching Protocols\r\nx-tunnel: yes\r\n"));
  CHECK(client.received().contains("\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nearly"));
  CHECK_FALSE(client.received().contains("content-length"));
  CHECK_FALSE(client.received().contains("transfer-encoding"));
  (void)client.news();
  const std::string noise =
      std::string("GET / HTTP/1.1\r\n\r\n\0\xff", 20) + std::string(70'000, 'x');
  client.send(noise);
  REQUIRE(play.run_until([&] { return client.received().ends_with(noise); }));
  client.finish();
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(seen.ended == 1);
  CHECK(seen.target == "/chat");
  CHECK_FALSE(client.was_reset());
  CHECK(told(play) == "");
}

TEST_CASE("EX-05: CONNECT opens one with 200, and no framing") {
  Seen seen;
  Play play;
  play.serve(echo_handler(seen));
  Actor& client = ask_for_tunnel(play, connect_request);
  CHECK(client.received().starts_with("HTTP/1.1 200 OK\r\nx-tunnel: yes\r\n"));
  CHECK_FALSE(client.received().contains("connection"));
  CHECK_FALSE(client.received().contains("content-length"));
  client.send("ping");
  REQUIRE(play.run_until([&] { return client.received().ends_with("\r\n\r\nping"); }));
  client.finish();
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(seen.target == "b.example:443");
}

TEST_CASE("tunnel: over TLS, with close_notify as its end; a bare end is a truncation") {
  const tls::Context context = ecdsa_context();
  for (const bool orderly : {true, false}) {
    Seen seen;
    Play play;
    play.serve(echo_handler(seen), &context);
    peer::Client tls;
    Actor& client = connect_secured(play, tls);
    tls.write(upgrade);
    tls.write("over TLS");
    REQUIRE(play.converse(client, tls, [&] { return tls.received().ends_with("over TLS"); }));
    if (orderly) {
      tls.close();
      (void)play.converse(client, tls, [&] { return client.ended(); });
    } else {
      client.finish();
      (void)play.run_until([&] { return client.ended(); });
    }
    CHECK(client.ended());
    CHECK(seen.ended == (orderly ? 1 : 0));
    if (!orderly) CHECK(seen.failed == Code::tls_record_truncated);
    CHECK(play.count(Code::tls_record_truncated) == (orderly ? 0 : 1));
  }
}

TEST_CASE("tunnel: each direction ends by itself") {
  Play play;
  std::string heard;
  play.serve([&heard](Exchange& exchange) -> Task<> {
    BodyWriter out = exchange.open_tunnel("echo", {});
    if (!co_await out.write("all I have")) co_return;
    if (!co_await out.finish()) co_return;
    while (true) {
      const auto piece = co_await exchange.body().read();
      if (!piece || piece->empty()) break;
      heard.append(text_of(*piece));
    }
    CHECK_FALSE(co_await out.write("too late"));
  });
  Actor& client = play.connect();
  client.send(upgrade);
  REQUIRE(play.run_until([&] { return client.ended(); })); // Our direction: the FIN.
  CHECK(client.received().ends_with("all I have"));
  CHECK_FALSE(client.was_reset());
  client.send("still talking");
  REQUIRE(play.run_until([&] { return heard == "still talking"; }));
  client.finish();
  CHECK(play.run_until_closed());
}

TEST_CASE("tunnel: a handler sends while its peer is silent, when it is woken") {
  Play play;
  std::optional<Waker> waker;
  play.serve([&waker](Exchange& exchange) -> Task<> {
    BodyWriter out = exchange.open_tunnel("echo", {});
    waker = exchange.waker();
    while (true) {
      const auto piece = co_await exchange.body().read_or_woken();
      if (!piece) co_return;
      if (*piece && (*piece)->empty()) break;
      const std::string_view text = *piece ? text_of(**piece) : "<woken>";
      if (!co_await out.write(text)) co_return;
    }
  });
  Actor& client = ask_for_tunnel(play, upgrade);
  waker->wake();
  REQUIRE(play.run_until([&] { return client.received().ends_with("<woken>"); }));
  client.send("typed");
  REQUIRE(play.run_until([&] { return client.received().ends_with("<woken>typed"); }));
  client.finish(); // A handler that ends without finish() has finished.
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK_FALSE(client.was_reset());
  CHECK(told(play) == "");
}

TEST_CASE("tunnel: what was not offered, or came too early, is handler.bad_switch, answered 500") {
  for (const std::string_view request :
       {"GET / HTTP/1.1\r\nhost: a\r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\nupgrade: echo\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: ech\r\n\r\n",
        "GET / HTTP/1.0\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n"
        "content-length: 1\r\n\r\n"}) {
    Play play;
    std::optional<Code> failed;
    play.serve([&failed](Exchange& exchange) -> Task<> {
      BodyWriter out = exchange.open_tunnel("echo", {});
      if (const auto written = co_await out.write("x"); !written) failed = written.error().code;
    });
    Actor& client = play.ask(request);
    CHECK(client.received().starts_with("HTTP/1.1 500 "));
    CHECK(failed == Code::handler_bad_switch);
    CHECK(play.count(Code::handler_bad_switch) == 1);
  }
}

TEST_CASE("EX-04: an upgrade that nobody takes is an ordinary request") {
  Play play;
  std::string offered;
  play.serve([&offered](Exchange& exchange) {
    offered = exchange.offered_protocols();
    hello(exchange);
  });
  Actor& client = play.connect();
  client.send(std::string(upgrade).append(get));
  REQUIRE(play.run_until([&] { return client.received().ends_with("Hello, World!"); }));
  play.run_for(1s);
  CHECK(offered.empty()); // Of the second request.
  CHECK_FALSE(client.ended());
}

TEST_CASE("tunnel: one through which nothing goes is request_stream.tunnel_timed_out") {
  Seen seen;
  EngineOptions options = Play::kind_options();
  options.limits.tunnel_idle_timeout = 100s;
  Play play(options);
  play.serve(echo_handler(seen));
  Actor& client = play.connect();
  client.send(upgrade);
  for (int round = 0; round < 3; ++round) {
    play.run_for(99s); // Longer than any time of a body, and slower than any rate.
    client.send("x");
  }
  play.run_for(99s);
  CHECK_FALSE(client.ended());
  play.run_for(2s);
  CHECK(seen.failed == Code::request_stream_tunnel_timed_out);
  CHECK(play.count(Code::request_stream_tunnel_timed_out) == 1);
  CHECK(client.ended());
  CHECK(play.reports().size() == 1);
}

TEST_CASE("tunnel: one whose peer takes nothing is told once, and ends by write_timeout") {
  Seen seen;
  EngineOptions options = Play::kind_options();
  options.limits.tunnel_idle_timeout = 10s;
  options.limits.write_timeout = 60s;
  options.limits.rate_bytes_per_s_min = 0;
  Play play(options);
  play.serve(echo_handler(seen));
  Actor& client = ask_for_tunnel(play, upgrade);
  client.listen(false);
  client.send(std::string(4'000'000, 'x'));
  play.run_for(100s);
  CHECK(play.engine().metrics().connections_open == 0);
  CHECK(told(play) == "request_stream.tunnel_timed_out response_stream.stalled ");
}

TEST_CASE("tunnel: a peer that leaves it fails what its handler waits for") {
  Seen seen;
  Play play;
  play.serve(echo_handler(seen));
  Actor& client = ask_for_tunnel(play, upgrade);
  client.abort();
  REQUIRE(play.run_until_closed());
  CHECK(seen.failed == Code::request_stream_peer_closed);
}

// ---------------------------------------------------------------------------- interim answers

TEST_CASE("interim: 103 goes out before the answer, as often as the handler likes") {
  Play play;
  play.serve([](Exchange& exchange) -> Task<> {
    exchange.inform(103, std::array{Field{"link", "</a.css>; rel=preload"}});
    if (!co_await exchange.sleep(1s)) co_return;
    exchange.inform(102, {});
    answer_text(exchange, 200, "done");
  });
  Actor& client = play.connect();
  client.send(get);
  play.run_for(500ms);
  CHECK(client.received() == "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n");
  (void)client.news();
  REQUIRE(play.run_until([&] { return client.received().ends_with("done"); }));
  CHECK(client.news().starts_with("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST_CASE("interim: an HTTP/1.0 client gets none, and one that is no interim answer is none") {
  Play play;
  play.serve([](Exchange& exchange) {
    exchange.inform(103, {});
    exchange.inform(101, {});
    exchange.inform(200, {});
    exchange.inform(103, std::array{Field{"content-length", "3"}});
    hello(exchange);
    exchange.inform(103, {});
  });
  Actor& client = play.ask("GET / HTTP/1.0\r\nhost: a\r\n\r\n");
  CHECK(client.received().starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(client.received().ends_with("Hello, World!"));
  CHECK(play.count(Code::handler_bad_response) == 3);
  CHECK(play.count(Code::handler_answered_twice) == 1);
}

TEST_CASE(
    "EX-01, EX-02, UP-01: the handler may say 100 before it reads, and then it is said once") {
  Play play;
  play.serve([](Exchange& exchange) -> Task<> {
    exchange.inform(100, {});
    const auto piece = co_await exchange.body().read();
    if (piece) answer_text(exchange, 200, text_of(*piece));
  });
  Actor& client = play.connect();
  client.send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
  play.run_for(1s);
  CHECK(client.received() == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  REQUIRE(play.run_until([&] { return client.received().ends_with("ok"); }));
  CHECK_FALSE(client.received().contains("connection: close"));
}

TEST_CASE("EX-02: a body that was expected and refused never has to come") {
  Play play;
  play.serve([](Exchange& exchange) { answer_text(exchange, 417, "no"); });
  Actor& client = play.ask(
      "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2000000\r\n\r\n");
  CHECK(client.received().starts_with("HTTP/1.1 417 Expectation Failed\r\n"));
  CHECK(client.received().contains("connection: close\r\n"));
  CHECK_FALSE(client.was_reset());
}

TEST_CASE("EX-03: another expectation is http_parse.unknown_expectation, answered 417") {
  Play play;
  play.serve(hello);
  const Actor& client = play.ask("GET / HTTP/1.1\r\nhost: a\r\nexpect: the-unexpected\r\n\r\n");
  CHECK(client.received().starts_with("HTTP/1.1 417 Expectation Failed\r\n"));
  CHECK(play.count(Code::http_parse_unknown_expectation) == 1);
  const Actor& old = play.ask("GET / HTTP/1.0\r\nhost: a\r\nexpect: the-unexpected\r\n\r\n");
  CHECK(old.received().starts_with("HTTP/1.1 200 OK\r\n"));
}

} // namespace
} // namespace ringfort::sim
