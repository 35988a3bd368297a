// The simulated ring's own knobs: queues that are full, a host that is late, one failure in its
// turn.
#include <cerrno>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/sim/sim_ring_bench.hpp"

namespace ringfort::sim {
namespace {

TEST_CASE("sim ring: completions beyond the queue come with the next enters, in order", "[sim]") {
  Knobs knobs;
  knobs.receive_cap = false;
  knobs.completion_entries = 1;
  Bench bench(knobs);
  const std::string text = std::string(buffer_bytes, 'a') + std::string(buffer_bytes, 'b') + "c";
  bench.link->client_send(bytes_of(text));
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  for (std::size_t turns = 1; turns <= 3; ++turns) {
    bench.turn(1ms);
    CHECK(bench.receive.seen.size() == turns);
  }
  CHECK(bench.take_received() == text);
}

TEST_CASE("sim ring: a submission queue that is full is entered, and nothing is lost", "[sim]") {
  Knobs knobs;
  knobs.submission_entries_max = 1;
  Bench bench(knobs);
  bench.link->client_send(bytes_of("in"));
  const std::uint64_t enters = bench.ring->counters().enters;
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  bench.ring->send(bench.send.op, bench.descriptor, bytes_of("out"));
  CHECK(bench.ring->counters().enters == enters + 1);
  bench.turns(3);
  CHECK(bench.take_received() == "in");
  CHECK(bench.client_reads(8) == "out");
}

TEST_CASE("sim ring: a send that is interrupted has taken nothing", "[sim]") {
  Knobs knobs;
  knobs.interrupted_send_per_mille = 1'000;
  Bench bench(knobs);
  bench.ring->send(bench.send.op, bench.descriptor, bytes_of("out"));
  bench.turns(3);
  REQUIRE(bench.send.seen.size() == 1);
  const int result = bench.send.seen[0].result;
  CHECK((result == -EINTR || result == -EAGAIN));
  CHECK(bench.client_reads(8) == "");
  CHECK_FALSE(bench.link->disturbed());
}

TEST_CASE("sim ring: one operation fails in its turn, and its connection as the errno says",
          "[sim]") {
  for (const int error : {EINTR, ENOBUFS, ECONNRESET}) {
    Knobs knobs;
    knobs.failure = {Occasion::send, 2, error};
    Bench bench(knobs);
    for (const std::string_view text : {"one", "two"}) {
      bench.ring->send(bench.send.op, bench.descriptor, bytes_of(text));
      bench.turns(3);
    }
    REQUIRE(bench.send.seen.size() == 2);
    CHECK(bench.send.seen[0].result == 3);
    CHECK(bench.send.seen[1].result == -error);
    CHECK(bench.world.occasions(Occasion::send) == 2);
    CHECK(bench.link->disturbed() == (error != EINTR));
    CHECK(bench.link->client_was_reset() == (error == ECONNRESET));
  }
}

TEST_CASE("sim ring: a host that is late is never later than it may be in all", "[sim]") {
  Knobs knobs;
  knobs.late_host_per_mille = 1'000;
  knobs.late_host_max = 300ms;
  knobs.late_hosts_max = 1s;
  const Time start = World(1, {}).now();
  Bench bench(knobs);
  for (int turn = 0; turn < 100; ++turn) bench.turn(0ms);
  CHECK(bench.world.now() - start > 900ms);
  CHECK(bench.world.now() - start < 1'100ms);
}

} // namespace
} // namespace ringfort::sim
