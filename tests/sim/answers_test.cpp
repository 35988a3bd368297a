// What a client sees of an answer in special situations: asked to continue, early, without a body.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/sim/hello.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view post_expecting = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n"
                                            "expect: 100-continue\r\n\r\n";
constexpr std::string_view please = "HTTP/1.1 100 Continue\r\n\r\n";

Task<> echo(Exchange& exchange) {
  std::string body;
  while (true) {
    const auto piece = co_await exchange.body().read();
    if (!piece) co_return;
    if (piece->empty()) break;
    body += text_of(*piece);
  }
  exchange.respond(200, {}, Payload::copied(body));
}

std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

TEST_CASE("play: a handler that reads asks a client that expects it to continue, once") {
  Play play;
  play.serve(echo);
  Actor& client = play.connect();
  client.send(post_expecting);
  REQUIRE(play.run_until([&] { return client.received() == please; }));
  (void)client.news();
  client.send("bo");
  play.run_for(1s);
  CHECK(client.news().empty());
  client.send("dy");
  REQUIRE(play.run_until([&] { return client.received().ends_with("\r\n\r\nbody"); }));
  CHECK_FALSE(client.received().contains("connection: close"));
  client.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"); // It is reused.
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(client.news().ends_with("content-length: 0\r\nconnection: close\r\n\r\n"));
}

TEST_CASE("play: nobody is asked to continue who did not wait, or whose body nobody reads") {
  Play play;
  play.serve(echo);
  Actor& eager = play.connect();
  eager.send(std::string(post_expecting) + "body");
  REQUIRE(play.run_until([&] { return eager.received().ends_with("\r\n\r\nbody"); }));
  CHECK_FALSE(eager.received().contains("100 Continue"));
  Actor& old = play.connect();
  old.send("POST / HTTP/1.0\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n");
  play.run_for(1s);
  CHECK(old.received().empty());
  old.send("body");
  REQUIRE(play.run_until([&] { return old.ended(); }));
  Play refusing;
  refusing.serve(hello);
  Actor& refused = refusing.connect();
  refused.send(post_expecting);
  REQUIRE(refusing.run_until([&] { return refused.ended(); }));
  CHECK(refused.received().starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(refused.received().contains("\r\nconnection: close\r\n"));
}

TEST_CASE("play: a large answer after a request that failed arrives whole") {
  static const std::string large(3'000'000, 'x');
  for (const std::string_view broken : {"5\r\nhello\r\nnonsense\r\n", "5\r\nhello\r\n"}) {
    Play play;
    play.serve([](Exchange& exchange) -> Task<> {
      while (co_await exchange.body().read()) {}
      exchange.respond(400, {}, Payload::forever(large));
    });
    Actor& client = play.connect();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    client.send(broken); // Malformed at once, or too late.
    REQUIRE(play.run_until([&] { return client.ended(); }));
    CHECK(body_of(client.received()).size() == large.size());
    CHECK_FALSE(client.was_reset());
  }
}

TEST_CASE("play: a payload that is given back by no function is only sent") {
  Play play;
  play.serve([](Exchange& exchange) {
    Payload payload = Payload::owned(bytes_of("whose"), {});
    CHECK_FALSE(payload.is_owned());
    Payload moved = Payload::owned(bytes_of("owned"), [] {});
    payload = std::move(moved);
    CHECK(payload.is_owned());
    CHECK_FALSE(moved.is_owned()); // NOLINT(bugprone-use-after-move): what is left of it.
    CHECK_FALSE(moved.take_release());
    exchange.respond(200, {}, std::move(moved));
  });
  Actor& client = play.connect();
  client.send(get);
  REQUIRE(play.run_until([&] { return client.received().ends_with("owned"); }));
}

TEST_CASE("RF-04: answers that have no body do not speak of one") {
  const auto answer = [](auto handler, std::string_view request) {
    Play play;
    play.serve(handler);
    Actor& client = play.ask(request);
    REQUIRE(play.run_until([&] { return client.ended(); }));
    return client.received();
  };
  constexpr std::string_view closing = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
  const auto stream_204 = [](Exchange& exchange) -> Task<> {
    (void)co_await exchange.stream(204, {}, {}).finish();
  };
  const auto plain_304 = [](Exchange& exchange) { exchange.respond(304, {}, {}); };
  const auto sized_304 = [](Exchange& exchange) {
    exchange.respond(304, {}, Payload::forever("13 bytes long"));
  };
  for (const std::string& text : {answer(stream_204, closing), answer(plain_304, closing)}) {
    CHECK_FALSE(text.contains("transfer-encoding"));
    CHECK_FALSE(text.contains("content-length"));
    CHECK(body_of(text).empty());
  }
  const std::string sized = answer(sized_304, closing);
  CHECK(sized.contains("content-length: 13\r\n"));
  CHECK(body_of(sized).empty());
}

TEST_CASE("play: CONNECT that a handler takes for a request ends its connection") {
  Play play;
  play.serve(hello);
  Actor& client = play.connect();
  client.send("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n");
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(client.received().starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK_FALSE(client.received().contains("content-length"));
  CHECK(body_of(client.received()).empty());
  CHECK(play.engine().metrics().requests == 1);
}

TEST_CASE("play: a head that trickles inside one TLS record is request_stream.head_timed_out") {
  const tls::Context context = ecdsa_context();
  Play play;
  play.serve(hello, &context);
  peer::Client tls;
  Actor& client = connect_secured(play, tls);
  client.send(tls.take_outgoing()); // Finished, and so the handshake is over.
  play.run_for(100ms);
  tls.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  const std::string record = tls.take_outgoing();
  for (std::size_t at = 0; at < 11 && !client.ended(); ++at) {
    client.send(record.substr(at, 1));
    play.run_for(1s);
  }
  CHECK(play.count(Code::request_stream_head_timed_out) == 1);
  REQUIRE(play.run_until([&] { return client.ended(); }));
}

TEST_CASE("play: a connection gives its ciphers back after a second without a request, once") {
  const tls::Context context = ecdsa_context();
  Play play;
  play.serve(hello, &context);
  peer::Client tls;
  Actor& client = connect_secured(play, tls);
  for (const std::uint64_t rested : {0U, 1U, 2U}) {
    tls.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    REQUIRE(play.converse(client, tls, [&] { return tls.news().ends_with("Hello, World!"); }));
    play.run_for(900ms);
    CHECK(play.engine().metrics().records_rested == rested);
    play.run_for(60s);
    CHECK(play.engine().metrics().records_rested == rested + 1);
  }
  CHECK(play.reports().empty());
}

} // namespace
} // namespace ringfort::sim
