// The simulated ring's connections to its own world: made, refused, never answered, given up.
#include <cerrno>
#include <string>

#include <poll.h>

#include "engine/connect_failure.hpp"
#include "tests/sim/sim_ring_bench.hpp"

namespace ringfort::sim {
namespace {

/// A bench whose ring also connects; what it begins is ended before the bench is.
struct ConnectBench : Bench {
  explicit ConnectBench(const Knobs& knobs = {}, std::uint64_t seed = 1) : Bench(knobs, seed) {
    address = ring->bound_address(listener);
    near = *ring->open_socket(address);
  }
  ~ConnectBench() {
    if (connecting.op.armed()) ring->cancel(connecting.op);
    for (int count = 0; connecting.op.armed() && count < 100; ++count) turn(1ms);
  }
  /// Turns until the connect is over. Its result.
  int connect_result() {
    ring->connect(connecting.op, near, address);
    for (int count = 0; connecting.op.armed() && count < 100; ++count) turn(10ms);
    return connecting.seen.at(0).result;
  }
  /// Turns until the listener has accepted it, and then the descriptor of that end.
  int accepted() {
    for (int count = 0; accept.seen.size() < 2 && count < 100; ++count) turn(1ms);
    return accept.seen.at(1).result;
  }
  std::string received_by(int end) {
    receive.seen.clear();
    ring->receive(receive.op, end, {.multishot = false});
    for (int count = 0; receive.op.armed() && count < 100; ++count) turn(1ms);
    return take_received();
  }

  Recorder connecting;
  SocketAddress address;
  int near = -1;
};

TEST_CASE("sim ring: a connect reaches the listener of its world, and bytes go both ways",
          "[sim]") {
  ConnectBench bench;
  CHECK(bench.connect_result() == 0);
  const int far = bench.accepted();
  REQUIRE(far >= 0);
  CHECK(bench.ring->peer_address(bench.near) == bench.address);
  bench.ring->send(bench.send.op, bench.near, bytes_of("there"));
  CHECK(bench.received_by(far) == "there");
  bench.ring->send(bench.send.op, far, bytes_of("back"));
  CHECK(bench.received_by(bench.near) == "back");
  CHECK(bench.world.violations().empty());
}

TEST_CASE("sim ring: between two ends of a world FIN and RST arrive as what they are", "[sim]") {
  ConnectBench bench;
  REQUIRE(bench.connect_result() == 0);
  const int far = bench.accepted();
  bench.ring->shutdown_write(bench.near);
  CHECK(bench.received_by(far) == "");
  CHECK(bench.receive.seen.at(0).result == 0);
  bench.ring->reset(far);
  CHECK(bench.received_by(bench.near) == "");
  CHECK(bench.receive.seen.at(0).result == -ECONNRESET);
}

TEST_CASE("sim ring: where nobody listens, or the world says so, a connect is refused", "[sim]") {
  ConnectBench alone;
  alone.address = *SocketAddress::parse("::1", alone.port);
  CHECK(alone.connect_result() == -ECONNREFUSED);
  ConnectBench unlucky({.connect_refused_per_mille = 1'000});
  CHECK(unlucky.connect_result() == -ECONNREFUSED);
}

TEST_CASE("sim ring: a connect takes time, drawn within the world's latency", "[sim]") {
  const auto duration = [](std::uint64_t seed) {
    ConnectBench bench({.latency_max = std::chrono::seconds(1)}, seed);
    const Time start = bench.world.now();
    CHECK(bench.connect_result() == 0);
    return bench.world.now() - start;
  };
  CHECK(duration(7) == duration(7));
  CHECK(duration(7) != duration(8));
  CHECK(duration(7) < 2s);
}

TEST_CASE("sim ring: a connect that is never answered ends by a cancel", "[sim]") {
  ConnectBench bench({.connect_silent_per_mille = 1'000});
  bench.ring->connect(bench.connecting.op, bench.near, bench.address);
  bench.turns(20);
  REQUIRE(bench.connecting.op.armed());
  bench.ring->cancel(bench.connecting.op);
  bench.turns(2);
  REQUIRE(bench.connecting.seen.size() == 1);
  CHECK(bench.connecting.seen[0].result == -ECANCELED);
  bench.ring->close(bench.near);
  CHECK(bench.accept.seen.size() == 1);
  CHECK(bench.world.violations().empty());
}

TEST_CASE("sim ring: a socket that is closed under way is accepted by nobody", "[sim]") {
  ConnectBench bench({.latency_max = std::chrono::seconds(1)});
  bench.ring->connect(bench.connecting.op, bench.near, bench.address);
  bench.turns(1);
  bench.ring->cancel(bench.connecting.op);
  bench.turns(2);
  REQUIRE(bench.connecting.seen.at(0).result == -ECANCELED);
  bench.ring->close(bench.near);
  for (int count = 0; count < 10; ++count) bench.turn(1s);
  CHECK(bench.accept.seen.size() == 1);
}

TEST_CASE("sim ring: one connect fails in its turn, and its other end is told", "[sim]") {
  ConnectBench bench({.failure = {Occasion::connect, 1, EHOSTUNREACH}});
  CHECK(bench.connect_result() == -EHOSTUNREACH);
  CHECK(bench.received_by(bench.accepted()) == "");
  CHECK(bench.receive.seen.at(0).result == -ECONNRESET);
}

TEST_CASE("sim ring: without a descriptor there is no socket: connect.descriptors_spent", "[sim]") {
  Bench bench({.descriptors_max = 2});
  const auto socket = bench.ring->open_socket(bench.ring->bound_address(bench.listener));
  REQUIRE_FALSE(socket);
  CHECK(socket.error() == engine::connect_failure(EMFILE).error());
}

TEST_CASE("sim ring: an address that changes under a connect is noticed", "[sim]") {
  ConnectBench bench({.connect_silent_per_mille = 1'000});
  bench.ring->connect(bench.connecting.op, bench.near, bench.address);
  bench.address = SocketAddress();
  bench.turns(2);
  REQUIRE_FALSE(bench.world.violations().empty());
  CHECK(bench.world.violations()[0].contains("address of a connect"));
}

TEST_CASE("sim ring: a poll ends by a cancel alone", "[sim]") {
  Bench bench;
  Recorder poll;
  bench.link->client_send(bytes_of("x"));
  bench.ring->poll(poll.op, bench.descriptor, POLLIN);
  bench.turns(10);
  CHECK(poll.op.armed());
  bench.ring->cancel(poll.op);
  bench.turns(2);
  REQUIRE(poll.seen.size() == 1);
  CHECK(poll.seen[0].result == -ECANCELED);
}

} // namespace
} // namespace ringfort::sim
