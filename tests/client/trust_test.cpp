// What a change of trust does to the connections and sessions that there are.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/client/host.hpp"
#include "tests/client/trusted.hpp"

namespace ringfort::client {
namespace {

void greet(Exchange& exchange) {
  exchange.respond(200, {}, Payload::forever(exchange.connection().resumed ? "resumed" : "full"));
}

struct Served {
  Host host;
  Trusted trusted;
  Endpoint here = host.engine().serve({.port = 0}, trusted.context(), serving(&greet)).value();
  std::unique_ptr<Client> client = make_client(host.shard(), trusted.authority.pem());

  Outcome call() { return outcome_of(host, *client, secure(here.port)); }
};

TEST_CASE("trust: no connection and no session of before serves a call after a change") {
  Served served;
  CHECK(served.call().body == "full");
  CHECK(served.client->counts().idle == 1);
  REQUIRE(served.client->trust(served.trusted.believed()));
  CHECK(served.client->counts().idle == 0);
  CHECK(served.client->counts().trust_epoch == 1);
  const Outcome after = served.call();
  CHECK(after.body == "full");
  CHECK_FALSE(after.facts.reused);
  CHECK(served.client->counts().connections == 2);
  served.host.turn_until([&] { return served.client->counts().outdated == 0; });
}

TEST_CASE("trust: who is no longer believed serves nobody, not even by what it proved before") {
  Served served;
  CHECK(served.call().status == 200);
  const Trusted other;
  REQUIRE(served.client->trust(other.believed()));
  const Outcome after = served.call();
  REQUIRE_FALSE(after.response);
  CHECK(fault_of(after.response.error().code).stage == Stage::tls_handshake);
}

TEST_CASE("trust: a call under way ends as it began, and the counters show the tail") {
  Served served;
  bool held = false;
  bool released = false;
  const auto hold = [&](Exchange& exchange) -> Task<> {
    held = true;
    while (!released && co_await exchange.sleep(std::chrono::milliseconds(10))) {}
    exchange.respond(200, {}, Payload::forever("held"));
  };
  const auto there =
      served.host.engine().serve({.port = 0}, served.trusted.context(), serving(hold));
  REQUIRE(there);
  std::string body;
  const bool runs = served.host.shard().run([&](Errand& errand) -> Task<> {
    Call call = served.client->call(errand, secure(there->port), {});
    const auto response = co_await call.response();
    CHECK(response);
    if (response) body = (co_await body_of(errand, call)).value_or("");
  });
  REQUIRE(runs);
  served.host.turn_until([&] { return held; });
  REQUIRE(served.client->trust(served.trusted.believed()));
  CHECK(served.client->counts().outdated == 1);
  CHECK(served.client->counts().active == 1);
  released = true;
  served.host.turn_until([&] { return served.client->counts().outdated == 0; });
  CHECK(body == "held");
  CHECK(served.client->counts().idle == 0);
}

TEST_CASE("trust: a connection that shook hands under the old policy does not serve who waits") {
  Served served;
  std::string body;
  const bool runs = served.host.shard().run([&](Errand& errand) -> Task<> {
    Call call = served.client->call(errand, secure(served.here.port), {});
    const auto response = co_await call.response();
    CHECK(response);
    if (response) body = (co_await body_of(errand, call)).value_or("");
  });
  REQUIRE(runs);
  served.host.turn_until([&] { return served.client->counts().opening == 1; });
  REQUIRE(served.client->trust(served.trusted.believed()));
  served.host.turn_until([&] { return !body.empty(); });
  CHECK(body == "full");
  served.host.turn_until([&] { return served.client->counts().outdated == 0; });
}

} // namespace
} // namespace ringfort::client
