// What bounds a client's connections: how many, how old, for how many calls.
#include <optional>
#include <string>
#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/client/host.hpp"
#include "tests/client/trusted.hpp"
#include "tests/peer/authority.hpp"
#include "tests/unit/engine/loopback.hpp"

namespace ringfort::client {
namespace {

using namespace std::chrono_literals;

/// A server that greets, twice, and a client of it.
struct Neighbours {
  explicit Neighbours(const std::function<void(ClientOptions&)>& change)
      : client(client_of(host, change)) {}

  std::uint16_t serve() {
    const auto here = host.engine().serve_plain({.port = 0}, serving([](Exchange& exchange) {
                                                  exchange.respond(200, {}, Payload::forever("hi"));
                                                }));
    REQUIRE(here);
    return here->port;
  }

  void ask(std::uint16_t port) {
    const Outcome outcome = outcome_of(host, *client, clear(port));
    CHECK(outcome.body == "hi");
  }

  Host host;
  std::unique_ptr<Client> client;
};

/// Answers with the port of the connection's other end: which connection it was.
std::uint16_t serve_ports(Host& host) {
  const auto here = host.engine().serve_plain(
      {.port = 0}, serving([](Exchange& exchange) {
        exchange.respond(200, {}, Payload::copied(exchange.connection().peer));
      }));
  REQUIRE(here);
  return here->port;
}

TEST_CASE("AG-04: of two idle connections the newest serves, or the oldest where that is asked") {
  const bool newest_first = GENERATE(true, false);
  Neighbours here([=](ClientOptions& options) { options.newest_first = newest_first; });
  const Destination to = clear(serve_ports(here.host));
  here.host.run([&](Errand& errand) -> Task<> {
    Call first = here.client->call(errand, to, {});
    Call second = here.client->call(errand, to, {});
    const bool both = co_await first.response() && co_await second.response();
    const auto oldest = co_await body_of(errand, first);
    const auto newest = co_await body_of(errand, second);
    Call third = here.client->call(errand, to, {});
    const bool served = (co_await third.response()).has_value();
    const auto chosen = co_await body_of(errand, third);
    CHECK((both && served && oldest && newest && chosen));
    CHECK(*oldest != *newest);
    CHECK(*chosen == (newest_first ? *newest : *oldest));
  });
}

TEST_CASE("AG-05: of more connections than idle_per_destination_max the surplus is closed") {
  Neighbours here([](ClientOptions& options) { options.idle_per_destination_max = 1; });
  const Destination to = clear(here.serve());
  here.host.run([&](Errand& errand) -> Task<> {
    Call calls[3];
    for (Call& call : calls) call = here.client->call(errand, to, {});
    for (Call& call : calls) {
      const bool answered = (co_await call.response()).has_value();
      const auto body = co_await body_of(errand, call);
      CHECK((answered && body));
    }
  });
  CHECK(here.client->counts().connections == 3);
  CHECK(here.client->counts().idle == 1);
  here.host.turn_until([&] { return here.host.engine().metrics().connections_open == 1; });
}

TEST_CASE("AG-06, CS-02: place, name, address and encryption each make connections of their own") {
  const Trusted trusted;
  Host host;
  const auto over_tls =
      host.engine().serve({.port = 0}, trusted.context(),
                          serving([](Exchange& e) { e.respond(200, {}, Payload::forever("hi")); }));
  REQUIRE(over_tls);
  const auto client = make_client(host.shard(), trusted.authority.pem());
  const Destination base = secure(over_tls->port);
  Destination unnamed = base;
  unnamed.server_name = "127.0.0.1";
  Destination elsewhere = base;
  elsewhere.connect_host = "127.0.0.2";
  for (const Destination& to : {base, unnamed, elsewhere}) {
    const Outcome outcome = outcome_of(host, *client, to);
    REQUIRE(outcome.response);
    CHECK_FALSE(outcome.facts.reused);
    CHECK_FALSE(outcome.facts.server.resumed);
  }
  for (const Destination& to : {base, unnamed, elsewhere}) {
    CHECK(outcome_of(host, *client, to).facts.reused);
  }
  CHECK(client->destinations().size() == 3);
}

TEST_CASE("AG-13: an idle connection is closed after idle_timeout, one that serves is not") {
  Neighbours here([](ClientOptions& options) { options.idle_timeout = 10ms; });
  const auto late =
      here.host.engine().serve_plain({.port = 0}, serving([](Exchange& exchange) -> Task<> {
                                       (void)co_await exchange.sleep(100ms);
                                       exchange.respond(200, {}, Payload::forever("late"));
                                     }));
  REQUIRE(late);
  CHECK(outcome_of(here.host, *here.client, clear(late->port)).body == "late");
  here.host.turn_until([&] { return here.client->counts().idle == 0; });
  CHECK(here.client->counts().retired == 0);
  CHECK(here.client->destinations().empty());
}

TEST_CASE("agent: an idle connection that reaches connection_age_max is closed") {
  Neighbours here([](ClientOptions& options) {
    options.connection_age_max = 10ms;
    options.idle_timeout = 1h;
  });
  const std::uint16_t port = here.serve();
  here.ask(port);
  here.host.turn_until([&] { return here.client->counts().idle == 0; });
  here.ask(port);
  CHECK(here.client->counts().connections == 2);
  CHECK(here.client->counts().reused == 0);
  CHECK(here.client->counts().retired == 0);
}

TEST_CASE("agent: at connections_max an idle connection makes room for another destination") {
  Neighbours here([](ClientOptions& options) { options.connections_max = 1; });
  const std::uint16_t one = here.serve();
  const std::uint16_t other = here.serve();
  here.ask(one);
  CHECK(here.client->counts().idle == 1);
  here.ask(other);
  const auto destinations = here.client->destinations();
  REQUIRE(destinations.size() == 1);
  CHECK(destinations[0].destination.port == other);
  CHECK(here.client->counts().connections == 2);
}

TEST_CASE("agent: a connection serves no more than calls_per_connection_max") {
  Neighbours here([](ClientOptions& options) { options.calls_per_connection_max = 2; });
  const std::uint16_t port = here.serve();
  for (int count = 0; count < 5; ++count) here.ask(port);
  CHECK(here.client->counts().connections == 3);
  CHECK(here.client->counts().reused == 2);
}

TEST_CASE("RQ-11, AG-08: a connection for one call alone says so, and no other does") {
  for (const std::uint32_t calls_max : {1u, 2u, 0u}) {
    Neighbours here([=](ClientOptions& options) { options.calls_per_connection_max = calls_max; });
    const auto echo = here.host.engine().serve_plain(
        {.port = 0}, serving([](Exchange& exchange) {
          exchange.respond(200, {},
                           Payload::copied(exchange.fields().find("connection").value_or("")));
        }));
    REQUIRE(echo);
    const Outcome outcome = outcome_of(here.host, *here.client, clear(echo->port));
    CHECK(outcome.body == (calls_max == 1 ? "close" : ""));
    CHECK(here.client->counts().idle == (calls_max == 1 ? 0 : 1));
  }
}

TEST_CASE("agent: with idle_per_destination_max 0 no connection is kept") {
  Neighbours here([](ClientOptions& options) { options.idle_per_destination_max = 0; });
  const std::uint16_t port = here.serve();
  here.ask(port);
  CHECK(here.client->counts().idle == 0);
  here.ask(port);
  CHECK(here.client->counts().connections == 2);
}

TEST_CASE("agent: nor is one whose call went while it shook hands") {
  const peer::Authority authority("agent");
  tls::ContextOptions serving_tls;
  serving_tls.identities = {
      authority.issue({.subject = "localhost", .names = "DNS:localhost", .purpose = "serverAuth"})};
  Host host;
  const auto here = host.engine().serve({.port = 0}, *tls::Context::create(std::move(serving_tls)),
                                        serving([](Exchange&) {}));
  REQUIRE(here);
  const auto client = make_client(host.shard(), authority.pem(), [](ClientOptions& options) {
    options.idle_per_destination_max = 0;
  });
  std::optional<Call> call;
  const bool started = host.shard().run([&](Errand& errand) -> Task<> {
    call = client->call(errand, secure(here->port), {});
    (void)co_await errand.sleep(1h); // Until the host's drain.
  });
  REQUIRE(started);
  host.turn_until([&] { return client->counts().opening == 1; });
  call.reset();
  host.turn_until([&] { return client->counts().opening == 0; });
  CHECK(client->counts().connections == 1);
  CHECK(client->counts().idle == 0);
}

TEST_CASE("agent: nor is one of two that came free at once when one call waited") {
  Neighbours here([](ClientOptions& options) {
    options.idle_per_destination_max = 0;
    options.connections_per_destination_max = 2;
  });
  const Destination to = clear(here.serve());
  here.host.run([&](Errand& errand) -> Task<> {
    const auto ask = [&] { return here.client->call(errand, to, {.method = "HEAD"}); };
    Call first = ask();
    Call second = ask();
    const bool both = co_await first.response() && co_await second.response();
    Call third = ask();
    const bool freed = co_await first.read() && co_await second.read();
    const bool served = (co_await third.response()).has_value();
    CHECK((both && freed && served));
    CHECK(here.client->counts().reused == 1);
    CHECK(here.client->counts().idle == 0);
  });
}

TEST_CASE("agent: once it has drained nothing is told to be opening") {
  Neighbours here([](ClientOptions&) {});
  const engine::SilentListener silent;
  here.host.shard().run([&](Errand& errand) -> Task<> {
    Call call = here.client->call(errand, clear(silent.address().port()), {});
    (void)co_await call.response();
  });
  here.host.turn_until([&] { return here.client->counts().opening == 1; });
  here.host.engine().drain(0ms);
  here.host.turn_until([&] { return here.host.shard().ended(); });
  CHECK(here.client->counts().opening == 0);
  CHECK(here.client->destinations().empty());
}

TEST_CASE("agent: a drain ends the idle connections, and then the shard") {
  Neighbours here([](ClientOptions& options) { options.idle_timeout = 1h; });
  here.ask(here.serve());
  CHECK(here.client->counts().idle == 1);
  here.host.engine().drain(1h);
  here.host.turn_until([&] { return here.host.shard().ended(); });
  CHECK(here.client->counts().idle == 0);
}

} // namespace
} // namespace ringfort::client
