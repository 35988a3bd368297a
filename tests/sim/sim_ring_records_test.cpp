// The simulated ring's installation of records, called as the engine calls it.
#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include "tests/sim/sim_ring_bench.hpp"
#include "tls/kernel_keys.hpp"

namespace ringfort::sim {
namespace {

using engine::RecordInstall;
using engine::RecordStep;

tls::DirectionKeys some_keys() {
  tls::DirectionKeys keys{.suite = tls::suite_of(0x1301)};
  keys.key.fill(std::byte{7});
  return keys;
}

/// A connection, and keys for both directions of it.
struct Handed : Bench {
  explicit Handed(const Knobs& knobs = {}) : Bench(knobs) {}

  RecordInstall whole() const {
    return {.protocol = true, .send_keys = send_keys.bytes(), .receive_keys = receive_keys.bytes()};
  }
  /// What the ring said at once, or as a completion.
  std::optional<Completion> install_now(const RecordInstall& wanted) {
    const auto answer = ring->install_records(install.op, descriptor, wanted);
    turns(20);
    if (answer) return answer;
    return install.seen.empty() ? std::nullopt : std::optional(install.seen.back());
  }

  tls::KernelKeys send_keys{some_keys()};
  tls::KernelKeys receive_keys{some_keys()};
};

TEST_CASE("sim ring: an installation is one completion, or an answer at once", "[sim]") {
  for (const bool chain : {true, false}) {
    Handed bench({.record_chain = chain});
    const std::uint64_t before = bench.ring->counters().submissions;
    const auto end = bench.install_now(bench.whole());
    REQUIRE(end);
    CHECK(end->result == 0);
    CHECK(end->step() == static_cast<std::uint32_t>(RecordStep::receive));
    CHECK(bench.install.seen.size() == (chain ? 1 : 0));
    CHECK(bench.ring->counters().submissions - before == (chain ? 3 : 0));
    CHECK(bench.ring->counters().record_calls == (chain ? 0 : 3));
  }
}

TEST_CASE("sim ring: the step that failed is told, and none after it is taken", "[sim]") {
  struct Failure {
    Knobs knobs;
    RecordStep step;
  };
  const Failure failures[] = {
      {{.record_protocol_fails_per_mille = 1'000}, RecordStep::protocol},
      {{.send_keys_fail_per_mille = 1'000}, RecordStep::send},
      {{.receive_keys_fail_per_mille = 1'000}, RecordStep::receive},
  };
  for (Failure failure : failures) {
    for (const bool chain : {true, false}) {
      failure.knobs.record_chain = chain;
      Handed bench(failure.knobs);
      const auto end = bench.install_now(bench.whole());
      REQUIRE(end);
      CHECK(end->result == -ENOENT);
      CHECK(end->step() == static_cast<std::uint32_t>(failure.step));
    }
  }
}

TEST_CASE("sim ring: the protocol can be set once", "[sim]") {
  Handed bench;
  REQUIRE(bench.install_now({.protocol = true})->result == 0);
  CHECK(bench.install_now({.protocol = true})->result == -EEXIST);
}

TEST_CASE("sim ring: keys that change before they were read are noticed", "[sim]") {
  Handed bench;
  std::array<std::byte, 40> keys{};
  copy_into(keys, bench.send_keys.bytes());
  const RecordInstall wanted{.protocol = true, .send_keys = keys};
  CHECK_FALSE(bench.ring->install_records(bench.install.op, bench.descriptor, wanted));
  keys.fill({}); // Wiped too early.
  bench.turns(20);
  REQUIRE_FALSE(bench.world.violations().empty());
  CHECK(bench.world.violations().front().contains("keys changed"));
}

TEST_CASE("sim ring: keys that come under bytes of other keys are noticed", "[sim]") {
  for (const bool sends : {true, false}) {
    Handed bench({.send_socket_bytes = 256});
    if (sends) {
      const std::string text(10'000, 'x');
      while (!bench.send.op.armed()) { // Until the pipe is full, and it waits.
        bench.ring->send(bench.send.op, bench.descriptor, bytes_of(text));
        bench.turns(5);
      }
    } else {
      bench.ring->receive(bench.receive.op, bench.descriptor, {});
    }
    RecordInstall wanted = bench.whole();
    (sends ? wanted.receive_keys : wanted.send_keys) = {};
    CHECK(bench.install_now(wanted));
    REQUIRE_FALSE(bench.world.violations().empty());
    CHECK(bench.world.violations().front().contains("under way"));
  }
}

} // namespace
} // namespace ringfort::sim
