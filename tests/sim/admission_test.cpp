// Who may come in, how many at a time and how fast, and how many requests a connection may make, in
// virtual time.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "net/accept_rate.hpp"
#include "net/peer_counts.hpp"
#include "tests/sim/hello.hpp"
#include "tests/sim/prng.hpp"

namespace ringfort::sim {
namespace {

using namespace std::chrono_literals;
using net::AcceptRate;
using net::PeerCounts;

// ---------------------------------------------------------------------------- counting peers

TEST_CASE("peers: each may have so many, whatever the others do") {
  PeerCounts peers(2, 8, 1);
  CHECK(peers.enter(7));
  CHECK(peers.enter(7));
  CHECK_FALSE(peers.enter(7));
  CHECK(peers.enter(8));
  peers.leave(7);
  CHECK(peers.enter(7));
  CHECK_FALSE(peers.enter(7));
}

TEST_CASE("peers: without a limit nothing is counted") {
  PeerCounts peers(0, 1'000'000, 1);
  for (int number = 0; number < 1'000; ++number) CHECK(peers.enter(7));
  for (int number = 0; number < 1'000; ++number) peers.leave(7);
}

// A table of 16 places in which up to 8 are used, so that runs and holes meet all the time.
TEST_CASE("peers: as a plain map would count, over 200,000 comings and goings") {
  constexpr std::uint32_t per_peer_max = 3;
  constexpr std::size_t connections_max = 8;
  Prng prng(20'261'127);
  PeerCounts peers(per_peer_max, connections_max, 99);
  std::map<std::uint64_t, std::uint32_t> expected;
  std::vector<std::uint64_t> open;
  for (int step = 0; step < 200'000; ++step) {
    if (open.size() < connections_max && prng.below(2) == 0) {
      const std::uint64_t network = prng.below(12);
      const bool may = expected[network] < per_peer_max;
      REQUIRE(peers.enter(network) == may);
      if (!may) continue;
      ++expected[network];
      open.push_back(network);
    } else if (!open.empty()) {
      std::swap(open[prng.below(open.size())], open.back());
      peers.leave(open.back());
      --expected[open.back()];
      open.pop_back();
    }
  }
}

// ---------------------------------------------------------------------------- pacing

TEST_CASE("rate of accepts: a second's worth at once, then as many in a second") {
  AcceptRate rate(100);
  for (int number = 0; number < 99; ++number) rate.count(1s);
  CHECK(rate.wait(1s) == 0s);
  rate.count(1s);
  CHECK(rate.wait(1s) == 100ms);
  CHECK(rate.wait(1s + 100ms) == 0s);
  for (int number = 0; number < 10; ++number) rate.count(1s + 100ms);
  CHECK(rate.wait(1s + 100ms) == 100ms);
  CHECK(rate.wait(10s) == 0s);
}

TEST_CASE("rate of accepts: off, nothing ever waits") {
  AcceptRate rate(0);
  for (int number = 0; number < 1'000'000; ++number) rate.count(1s);
  CHECK(rate.wait(1s) == 0s);
}

// ---------------------------------------------------------------------------- the engine

std::size_t answered(const std::vector<Actor*>& clients) {
  return static_cast<std::size_t>(std::ranges::count_if(
      clients, [](const Actor* client) { return client->received().contains("Hello"); }));
}

std::vector<Actor*> ask_often(Play& play, std::size_t count) {
  std::vector<Actor*> clients;
  for (std::size_t number = 0; number < count; ++number) {
    clients.push_back(&play.connect());
    clients.back()->send(get);
  }
  return clients;
}

TEST_CASE("admission: a peer's connections beyond its share are accept.peer_full, and reset") {
  EngineOptions options = Play::kind_options();
  options.limits.connections_per_peer_max = 2;
  Play play(options, {.client_hosts = 2});
  play.serve(hello);
  const auto clients = ask_often(play, 5); // By two hosts in turn.
  REQUIRE(play.run_until([&] { return clients.back()->ended(); }));
  CHECK(clients.back()->was_reset());
  CHECK(answered(clients) == 4);
  CHECK(play.count(Code::accept_peer_full) == 1);
  clients[1]->close(); // Its place is free again, for the same host.
  play.run_for(1s);
  const auto next = ask_often(play, 2);
  REQUIRE(play.run_until([&] { return next.back()->ended(); }));
  CHECK(answered(next) == 1);
  CHECK(next.front()->received().contains("Hello"));
  CHECK(play.count(Code::accept_peer_full) == 2);
}

TEST_CASE("admission: who comes too fast waits, accept.rate_exceeded, and nobody is lost") {
  EngineOptions options = Play::kind_options();
  options.limits.accepts_per_s_max = 10;
  Play play(options);
  play.serve(hello);
  const auto clients = ask_often(play, 20); // One every 10 ms.
  play.run_for(50ms);
  CHECK(answered(clients) >= 10);
  CHECK(answered(clients) < 15);
  CHECK(play.count(Code::accept_rate_exceeded) == 1);
  REQUIRE(play.run_until([&] { return answered(clients) == 20; }));
}

TEST_CASE("admission: who pipelines more than it may has its last answer, and no further one") {
  EngineOptions options = Play::kind_options();
  options.limits.pipelined_requests_max = 3;
  Play play(options);
  play.serve(hello);
  Actor& client = play.connect();
  // Three ahead as often as it likes, when it waits in between.
  for (std::size_t round = 1; round <= 4; ++round) {
    for (int number = 0; number < 3; ++number) client.send(get);
    REQUIRE(play.run_until([&] { return answer_count(client) == 3 * round; }));
    play.run_for(10ms);
  }
  CHECK(play.reports().empty());
  for (int number = 0; number < 6; ++number) client.send(get);
  REQUIRE(play.run_until([&] { return client.ended(); }));
  CHECK(answer_count(client) == 16);
  CHECK(client.received().contains("\r\nconnection: close\r\n"));
  CHECK_FALSE(client.was_reset());
  CHECK(told(play) == "request_stream.pipelined_too_many ");
}

TEST_CASE("admission: a drain begins in a pause of accepts and ends") {
  EngineOptions options = Play::kind_options();
  options.limits.accepts_per_s_max = 1;
  Play play(options);
  play.serve(hello);
  Actor& client = *ask_often(play, 1).front();
  REQUIRE(play.run_until([&] { return client.received().contains("Hello"); }));
  play.engine().drain(1s);
  CHECK(play.run_until_closed());
}

TEST_CASE(
    "admission: the last request that a connection may make is answered with connection: close") {
  EngineOptions options = Play::kind_options();
  options.limits.requests_per_connection_max = 3;
  Play play(options);
  play.serve(hello);
  Actor& client = play.connect();
  for (int number = 0; number < 4; ++number) client.send(get); // Pipelined: the fourth is too many.
  REQUIRE(play.run_until([&] { return client.ended(); }));
  const std::string& received = client.received();
  std::size_t answers = 0;
  for (std::size_t at = 0; (at = received.find("HTTP/1.1 200", at)) != received.npos; ++at) {
    ++answers;
  }
  CHECK(answers == 3);
  const std::size_t close = received.find("connection: close");
  CHECK(close != received.npos);
  CHECK(close > received.rfind("HTTP/1.1 200"));
  CHECK_FALSE(client.was_reset());
  CHECK(play.count(Code::request_stream_requests_spent) == 1);
}

} // namespace
} // namespace ringfort::sim
