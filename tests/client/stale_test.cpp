// Requests on kept connections that the server has ended meanwhile: what is sent again, and whole.
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/client/host.hpp"
#include "tests/client/script.hpp"

namespace ringfort::client {
namespace {

constexpr unsigned batch_max = 256; ///< completions that a turn takes

/// A kept connection whose RST is known to the ring, and not yet to the client: the completions of
/// a crowd that comes to another listener are before it, and fill a batch.
struct Stale {
  Stale() : host(options_of()), client(client_of(host)) {
    const auto crowded = host.engine().serve_plain({.port = 0}, serving([](Exchange&) {}));
    REQUIRE(crowded);
    REQUIRE(outcome_of(host, *client, clear(script.port())).body == "ok");
    for (unsigned count = 0; count < batch_max; ++count) {
      crowd.push_back(std::make_unique<Guest>(crowded->port));
    }
    leave.set_value();
    left.get_future().wait();
    REQUIRE(host.shard().turn(std::chrono::milliseconds::zero()) == batch_max);
    REQUIRE(client->counts().retired == 0);
  }

  static EngineOptions options_of() {
    EngineOptions options = Host::options_of();
    options.limits.connections_max = 2 * batch_max;
    return options;
  }

  void act(Guest& guest) {
    std::string asked = guest.read_until("\r\n\r\n");
    if (asked.find("chunked") != asked.npos) asked += guest.read_until("\r\n0\r\n\r\n");
    requests.push_back(asked);
    guest.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    if (requests.size() > 1) return;
    leave.get_future().wait();
    guest.reset();
    left.set_value();
  }

  std::promise<void> leave;
  std::promise<void> left;
  std::vector<std::string> requests;
  std::vector<std::unique_ptr<Guest>> crowd;
  Script script{2, [this](Guest& guest) { act(guest); }};
  Host host;
  std::unique_ptr<Client> client;
};

TEST_CASE("client: a request that meets an RST before a byte of it has gone is sent again") {
  Stale stale;
  const Outcome outcome = outcome_of(stale.host, *stale.client, clear(stale.script.port()),
                                     {.method = "POST", .body = Payload::forever("body")});
  CHECK(outcome.body == "ok");
  CHECK_FALSE(outcome.facts.reused);
  CHECK(stale.client->counts().retried == 1);
  stale.script.wait();
  REQUIRE(stale.requests.size() == 2);
  CHECK(stale.requests[1].starts_with("POST "));
}

TEST_CASE("client: of a body whose first piece was dropped with its connection no rest is sent") {
  Stale stale;
  std::optional<Error> error;
  stale.host.run([&](Errand& errand) -> Task<> {
    Call call = stale.client->call(errand, clear(stale.script.port()),
                                   {.method = "POST", .streams = true, .expects_continue = true});
    (void)co_await call.write("body");
    (void)co_await call.finish();
    const auto response = co_await call.response();
    if (!response) error = response.error();
  });
  REQUIRE(error);
  CHECK(error->code == Code::upload_peer_closed);
  CHECK(stale.client->counts().retried == 0);
  CHECK(stale.requests.size() == 1);
}

} // namespace
} // namespace ringfort::client
