// Calls over loopback, in clear text and over TLS, to servers of this very shard.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/client/host.hpp"
#include "tests/client/trusted.hpp"

namespace ringfort::client {
namespace {

constexpr std::string_view greeting = "Hello, World!";

/// Takes the whole body, then tells how long it was, and by trailers what its trailers said.
Task<> measure(Exchange& exchange) {
  std::size_t bytes = 0;
  for (;;) {
    const Result<Bytes> piece = co_await exchange.body().read();
    if (!piece) co_return;
    if (piece->empty()) break;
    bytes += piece->size();
  }
  BodyWriter writer = exchange.stream(200, {});
  if (!co_await writer.write(std::to_string(bytes))) co_return;
  const Field trailer{"x-sum", exchange.body().trailers().find("x-sum").value_or("none")};
  (void)co_await writer.finish({&trailer, 1});
}

void greet(Exchange& exchange) { exchange.respond(200, {}, Payload::forever(greeting)); }

/// Says the host that it was asked for, and whether its connection was resumed.
void tell(Exchange& exchange) {
  const std::string text = std::string(exchange.head().authority) +
                           (exchange.connection().resumed ? " resumed" : " full");
  exchange.respond(200, {}, Payload::copied(text));
}

TEST_CASE("client: two calls in turn are served by one connection") {
  Host host;
  const auto here = host.engine().serve_plain({.port = 0}, serving(&greet));
  REQUIRE(here);
  const auto client = client_of(host);
  const Outcome first = outcome_of(host, *client, clear(here->port));
  CHECK(first.status == 200);
  CHECK(first.body == greeting);
  CHECK_FALSE(first.facts.reused);
  CHECK(first.facts.complete);
  CHECK(first.facts.phase == Phase::done);
  const Outcome second = outcome_of(host, *client, clear(here->port));
  CHECK(second.body == greeting);
  CHECK(second.facts.reused);
  const ClientCounts counts = client->counts();
  CHECK(counts.connections == 1);
  CHECK(counts.reused == 1);
  CHECK(counts.idle == 1);
  CHECK(counts.active == 0);
}

TEST_CASE("client: a server that proves its name is asked over TLS, and its session is resumed") {
  EngineOptions options = Host::options_of();
  options.limits.requests_per_connection_max = 1;
  Host host(options);
  const Trusted trusted;
  const auto here = host.engine().serve({.port = 0}, trusted.context(), serving(&tell));
  REQUIRE(here);
  const auto client = make_client(host.shard(), trusted.authority.pem());
  const Outcome first = outcome_of(host, *client, secure(here->port));
  CHECK(first.status == 200);
  CHECK(first.body == "localhost:" + std::to_string(here->port) + " full");
  CHECK(first.server_name == "localhost");
  CHECK(first.facts.server.version == "TLSv1.3");
  const Outcome second = outcome_of(host, *client, secure(here->port));
  CHECK(second.body == "localhost:" + std::to_string(here->port) + " resumed");
  CHECK(client->counts().handshakes_full == 1);
  CHECK(client->counts().handshakes_resumed == 1);
  CHECK(client->counts().reused == 0);
}

TEST_CASE("UP-08: a streamed body goes out in chunks, under credit, and trailers go both ways") {
  Host host;
  const Trusted trusted;
  const auto here = host.engine().serve({.port = 0}, trusted.context(), serving(&measure));
  REQUIRE(here);
  const auto client = make_client(host.shard(), trusted.authority.pem());
  const std::string piece(50'000, 'p');
  std::string body;
  std::string trailer;
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, secure(here->port), {.method = "POST", .streams = true});
    for (int count = 0; count < 40; ++count) {
      const auto written = co_await call.write(piece);
      CHECK(written);
    }
    const Field field{"x-sum", "40"};
    const auto finished = co_await call.finish({&field, 1});
    CHECK(finished);
    const auto response = co_await call.response();
    CHECK(response);
    const auto read = co_await body_of(errand, call);
    CHECK(read);
    body = read.value_or("");
    trailer = call.trailers().find("x-sum").value_or("");
  });
  CHECK(body == std::to_string(40 * piece.size()));
  CHECK(trailer == "40");
}

TEST_CASE("client: a handler asks another server and passes its answer on as it comes") {
  Host host;
  const auto back = host.engine().serve_plain({.port = 0}, serving(&greet));
  REQUIRE(back);
  std::unique_ptr<Client> client = client_of(host);
  const auto pass_on = [&](Exchange& exchange) -> Task<> {
    Call call = client->call(exchange, clear(back->port), {});
    const auto response = co_await call.response();
    if (!response) {
      exchange.respond(502, {});
      co_return;
    }
    BodyWriter writer = exchange.stream(response->status, {}, response->length);
    for (;;) {
      const auto piece = co_await call.read();
      if (!piece || piece->empty()) break;
      if (!co_await writer.write(*piece)) break;
    }
    (void)co_await writer.finish();
  };
  const auto front = host.engine().serve_plain({.port = 0}, serving(pass_on));
  REQUIRE(front);
  const auto outer = client_of(host);
  const Outcome outcome = outcome_of(host, *outer, clear(front->port));
  CHECK(outcome.status == 200);
  CHECK(outcome.body == greeting);
  CHECK(client->counts().calls == 1);
}

TEST_CASE("AB-02: a call that nobody waits for is aborted, and its connection ends") {
  EngineOptions options = Host::options_of();
  options.limits.handler_timeout = std::chrono::milliseconds(50); // The server's, which waits on.
  Host host(options);
  const auto never = [](Exchange& exchange) -> Task<> { (void)co_await exchange.woken(); };
  const auto here = host.engine().serve_plain({.port = 0}, serving(never));
  REQUIRE(here);
  const auto client = client_of(host);
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(here->port), {});
    while (client->counts().active == 0) {
      if (!co_await errand.sleep(std::chrono::milliseconds(1))) co_return;
    }
  });
  host.turn_until([&] { return host.engine().metrics().connections_open == 0; });
  CHECK(client->counts().active == 0);
  CHECK(client->counts().idle == 0);
}

TEST_CASE("AG-18: calls beyond a destination's connections wait their turn, and are counted") {
  Host host;
  const auto here = host.engine().serve_plain({.port = 0}, serving(&greet));
  REQUIRE(here);
  const auto client =
      client_of(host, [](ClientOptions& options) { options.connections_per_destination_max = 2; });
  unsigned answered = 0;
  for (int count = 0; count < 10; ++count) {
    const bool started = host.shard().run([&](Errand& errand) -> Task<> {
      Call call = client->call(errand, clear(here->port), {});
      const auto response = co_await call.response();
      if (response && co_await body_of(errand, call)) ++answered;
    });
    REQUIRE(started);
  }
  host.turn_until([&] { return client->counts().active == 2; });
  const auto busy = client->destinations();
  REQUIRE(busy.size() == 1);
  CHECK(busy[0].active == 2);
  CHECK(busy[0].pending + answered == 8);
  host.turn_until([&] { return answered == 10; });
  const auto quiet = client->destinations();
  REQUIRE(quiet.size() == 1);
  CHECK(quiet[0].idle == 2);
  CHECK(quiet[0].active + quiet[0].pending + quiet[0].opening == 0);
  CHECK(client->counts().connections == 2);
  CHECK(client->counts().reused == 8);
}

} // namespace
} // namespace ringfort::client
