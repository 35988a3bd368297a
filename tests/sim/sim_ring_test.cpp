// The simulated ring itself, called as the engine calls it: a test double that is too kind, or that
// overlooks a breach of contract, would make every scenario worthless.
#include <cerrno>
#include <optional>

#include "engine/kernel_features.hpp"
#include "tests/sim/sim_ring_bench.hpp"

namespace ringfort::sim {
namespace {

using engine::Leases;
using engine::Op;
using engine::ReceiveArm;

TEST_CASE("sim ring: a multishot accept answers each client with its own descriptor", "[sim]") {
  Bench bench;
  bench.connect();
  bench.connect();
  bench.turns(4);
  REQUIRE(bench.accept.seen.size() == 3);
  for (const Completion& completion : bench.accept.seen) CHECK(completion.more());
  CHECK(bench.accept.seen[1].result == bench.descriptor + 1);
  CHECK(bench.accept.seen[2].result == bench.descriptor + 2);
  CHECK(bench.world.descriptors_open() == 4);
}

TEST_CASE("sim ring: an accept that finds no descriptor ends, and the client waits on", "[sim]") {
  Bench bench({.descriptors_max = 2});
  bench.connect();
  bench.turns(4);
  REQUIRE(bench.accept.seen.size() == 2);
  CHECK(bench.accept.seen[1].result == -EMFILE);
  CHECK_FALSE(bench.accept.seen[1].more());
  bench.ring->close(bench.descriptor);
  bench.ring->accept(bench.accept.op, bench.listener);
  bench.turns(4);
  REQUIRE(bench.accept.seen.size() == 3);
  CHECK(bench.accept.seen[2].result == bench.descriptor);
}

TEST_CASE("sim ring: nothing completes outside submit_and_wait", "[sim]") {
  Bench bench;
  bench.link->client_send(bytes_of("x"));
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  Harvested batch[4];
  CHECK(bench.ring->harvest(batch) == 0);
  bench.turns(2);
  CHECK(bench.take_received() == "x");
}

TEST_CASE("sim ring: a multishot receive fills buffer after buffer and says more", "[sim]") {
  Bench bench({.receive_cap = false});
  const std::string text(3 * buffer_bytes - 1, 'q');
  bench.link->client_send(bytes_of(text));
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  bench.turns(2);
  REQUIRE(bench.receive.seen.size() == 3);
  for (const Completion& completion : bench.receive.seen) CHECK(completion.more());
  CHECK(bench.ring->buffers_available() == buffer_count - 3);
  CHECK(bench.take_received() == text);
  CHECK(bench.ring->buffers_available() == buffer_count);
}

TEST_CASE("sim ring: a one-shot receive ends after one buffer", "[sim]") {
  Bench bench;
  bench.link->client_send(bytes_of(std::string(2 * buffer_bytes, 'q')));
  bench.ring->receive(bench.receive.op, bench.descriptor, {.multishot = false});
  bench.turns(3);
  REQUIRE(bench.receive.seen.size() == 1);
  CHECK(bench.receive.seen[0].result == static_cast<int>(buffer_bytes));
  CHECK_FALSE(bench.receive.seen[0].more());
}

TEST_CASE("sim ring: a capped receive ends by itself, at most one buffer late", "[sim]") {
  Bench bench;
  REQUIRE(bench.ring->features().receive_cap);
  bench.link->client_send(bytes_of(std::string(4 * buffer_bytes, 'q')));
  bench.ring->receive(bench.receive.op, bench.descriptor, {.cap_bytes = buffer_bytes + 1});
  bench.turns(8);
  REQUIRE(bench.receive.seen.size() == 2);
  CHECK(bench.receive.seen[0].more());
  CHECK_FALSE(bench.receive.seen[1].more());
}

TEST_CASE("sim ring: an old kernel ignores the cap", "[sim]") {
  Bench bench({.receive_cap = false});
  CHECK_FALSE(bench.ring->features().receive_cap);
  bench.link->client_send(bytes_of(std::string(3 * buffer_bytes, 'q')));
  bench.ring->receive(bench.receive.op, bench.descriptor, {.cap_bytes = 1});
  bench.turns(2);
  REQUIRE(bench.receive.seen.size() == 3);
  CHECK(bench.receive.seen.back().more());
}

TEST_CASE("sim ring: a receive without a buffer ends, and no byte is lost", "[sim]") {
  Bench bench({.receive_cap = false});
  std::string text;
  for (unsigned index = 0; index < 6 * buffer_bytes; ++index) {
    text += static_cast<char>('a' + index % 26);
  }
  bench.link->client_send(bytes_of(text));
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  bench.turns(2);
  REQUIRE(bench.receive.seen.size() == 5);
  CHECK(bench.receive.seen.back().result == -ENOBUFS);
  CHECK_FALSE(bench.receive.seen.back().more());
  std::string seen = bench.take_received();
  bench.receive.seen.clear();
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  bench.turns(2);
  seen += bench.take_received();
  CHECK(seen == text);
}

TEST_CASE("sim ring: the end of the stream is a last, empty completion", "[sim]") {
  Bench bench;
  bench.link->client_send(bytes_of("bye"));
  bench.link->client_finish();
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  for (int turns = 0; bench.receive.op.armed() && turns < 10; ++turns) bench.turn(1ms);
  REQUIRE(bench.receive.seen.size() == 2);
  CHECK(bench.receive.seen[1].result == 0);
  CHECK_FALSE(bench.receive.seen[1].more());
  CHECK_FALSE(bench.receive.seen[1].has_buffer());
}

TEST_CASE("sim ring: after an RST the error is told once, then the end and EPIPE", "[sim]") {
  Bench bench;
  bench.link->client_abort();
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  bench.turns(2);
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  bench.turns(2);
  bench.ring->send(bench.send.op, bench.descriptor, bytes_of("late"));
  bench.turns(2);
  REQUIRE(bench.receive.seen.size() == 2);
  CHECK(bench.receive.seen[0].result == -ECONNRESET);
  CHECK(bench.receive.seen[1].result == 0);
  REQUIRE(bench.send.seen.size() == 1);
  CHECK(bench.send.seen[0].result == -EPIPE);
}

TEST_CASE("sim ring: short results go down to one byte and lose none", "[sim]") {
  Bench bench(
      {.short_receive_per_mille = 1000, .short_send_per_mille = 1000, .lone_byte_per_mille = 1000});
  bench.link->client_send(bytes_of("abc"));
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  for (int turns = 0; bench.receive.seen.size() < 3 && turns < 20; ++turns) bench.turn(1ms);
  REQUIRE(bench.receive.seen.size() == 3);
  CHECK(bench.receive.seen[0].result == 1);
  CHECK(bench.take_received() == "abc");
  bench.ring->send(bench.send.op, bench.descriptor, bytes_of("xyz"));
  bench.turns(2);
  REQUIRE(bench.send.seen.size() == 1);
  CHECK(bench.send.seen[0].result == 1);
  CHECK(bench.client_reads(10) == "x");
}

TEST_CASE("sim ring: a send waits while the peer's pipe is full", "[sim]") {
  Bench bench({.send_socket_bytes = 4});
  bench.ring->send(bench.send.op, bench.descriptor, bytes_of("abcdefg"));
  bench.turns(2);
  REQUIRE(bench.send.seen.size() == 1);
  CHECK(bench.send.seen[0].result == 4);
  bench.ring->send(bench.send.op, bench.descriptor, bytes_of("efg"));
  bench.turns(3);
  CHECK(bench.send.seen.size() == 1);
  CHECK(bench.client_reads(2) == "ab");
  bench.turns(2);
  REQUIRE(bench.send.seen.size() == 2);
  CHECK(bench.send.seen[1].result == 2);
  CHECK(bench.client_reads(10) == "cdef");
}

TEST_CASE("sim ring: a gathered send is one message, its table free after submission", "[sim]") {
  Bench bench;
  std::string one = "one ";
  std::string two = "two";
  iovec table[] = {{one.data(), one.size()}, {two.data(), two.size()}};
  bench.ring->send_gathered(bench.send.op, bench.descriptor, table, 2);
  CHECK(bench.ring->submit_and_wait(0, 0ns));
  table[0] = table[1] = {};
  bench.turns(2);
  REQUIRE(bench.send.seen.size() == 1);
  CHECK(bench.client_reads(10) == "one two");
}

TEST_CASE("sim ring: cancelling ends a waiting receive and keeps what comes later", "[sim]") {
  Bench bench;
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  bench.turns(2);
  bench.ring->cancel(bench.receive.op);
  bench.turns(2);
  REQUIRE(bench.receive.seen.size() == 1);
  CHECK(bench.receive.seen[0].result == -ECANCELED);
  bench.link->client_send(bytes_of("later"));
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  bench.turns(2);
  bench.receive.seen.erase(bench.receive.seen.begin());
  CHECK(bench.take_received() == "later");
}

TEST_CASE("sim ring: a cancel can lose to a result that was on its way", "[sim]") {
  Bench bench({.cancel_loses_per_mille = 1000});
  bench.ring->receive(bench.receive.op, bench.descriptor, {.multishot = false});
  bench.turns(2);
  bench.link->client_send(bytes_of("first"));
  bench.ring->cancel(bench.receive.op);
  bench.turns(2);
  REQUIRE(bench.receive.seen.size() == 1);
  CHECK(bench.take_received() == "first");
}

TEST_CASE("sim ring: a full submission queue is flushed and counted as an enter", "[sim]") {
  Bench bench;
  const auto enters = std::uint64_t{bench.ring->counters().enters};
  Recorder others[10];
  for (Recorder& other : others) bench.ring->cancel(other.op);
  CHECK(bench.ring->counters().enters == enters + 1);
  bench.turns(2);
  CHECK(bench.ring->counters().stale_completions == 0);
}

TEST_CASE("sim ring: a wait ends at its time, or when it is woken, and time moves on", "[sim]") {
  Bench bench;
  const Time start = bench.world.now();
  CHECK(bench.turn(3s) == 0);
  CHECK(bench.world.now() >= start + 3s);
  CHECK(bench.world.now() < start + 3s + 1ms);
  bench.ring->wake();
  CHECK(bench.turn(3s) == 0);
  CHECK(bench.world.now() < start + 4s);
}

TEST_CASE("sim ring: a wait that nothing can end is a violation", "[sim]") {
  Bench bench;
  bench.turn(Time::max());
  REQUIRE(bench.world.violations().size() == 1);
  CHECK(bench.world.violations()[0].contains("wait for ever"));
}

TEST_CASE("sim ring: the same seed gives the same trace, another seed another", "[sim]") {
  const auto trace = [](std::uint64_t seed) {
    Bench bench({.short_receive_per_mille = 900, .late_per_mille = 500}, seed);
    bench.link->client_send(bytes_of(std::string(200, 'q')));
    bench.ring->receive(bench.receive.op, bench.descriptor, {});
    bench.turns(20);
    return bench.world.trace_hash();
  };
  CHECK(trace(7) == trace(7));
  CHECK(trace(7) != trace(8));
}

TEST_CASE("sim ring: what the kernel refuses to set up is the error of create", "[sim]") {
  for (const Code code : {Code::ring_refused, Code::ring_kernel_too_old, Code::ring_no_memory}) {
    World world(1, {.create_error = code});
    const auto ring = SimRing::create({});
    REQUIRE_FALSE(ring);
    CHECK(ring.error().code == code);
  }
}

TEST_CASE("sim ring: a listening address is taken until it is closed", "[sim]") {
  Bench bench;
  const auto address = bench.ring->bound_address(bench.listener);
  const auto taken = bench.ring->check_free(address);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == Code::listen_address_in_use);
  bench.ring->cancel(bench.accept.op);
  bench.turns(2);
  bench.ring->close(bench.listener);
  CHECK(bench.ring->check_free(address));
}

// ---------------------------------------------------------------------------- breaches are seen

/// Whether the world noticed a breach whose text has `words` in it.
bool noticed(const World& world, const char* words) {
  for (const std::string& text : world.violations()) {
    if (text.contains(words)) return true;
  }
  return false;
}

TEST_CASE("sim ring: a run that keeps the contract has no violation", "[sim]") {
  World outer(1, {});
  std::size_t violations = 1;
  {
    Bench bench;
    bench.link->client_send(bytes_of("hello"));
    bench.ring->receive(bench.receive.op, bench.descriptor, {});
    bench.turns(2);
    CHECK(bench.take_received() == "hello");
    violations = bench.world.violations().size();
  }
  CHECK(violations == 0);
}

TEST_CASE("sim ring: closing under an armed receive is noticed", "[sim]") {
  Bench bench;
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  bench.turns(1);
  bench.ring->close(bench.descriptor);
  CHECK(noticed(bench.world, "armed operations"));
}

TEST_CASE("sim ring: using a closed descriptor is noticed", "[sim]") {
  Bench bench;
  bench.ring->close(bench.descriptor);
  bench.ring->shutdown_write(bench.descriptor);
  CHECK(noticed(bench.world, "not open"));
}

TEST_CASE("sim ring: returning a buffer twice is noticed", "[sim]") {
  Bench bench;
  bench.link->client_send(bytes_of("x"));
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  bench.turns(2);
  const std::uint16_t id = bench.receive.seen.at(0).buffer_id();
  bench.take_received();
  bench.ring->return_buffer(id);
  CHECK(noticed(bench.world, "returned twice"));
}

TEST_CASE("sim ring: a returned buffer is poisoned, and a later write to it noticed", "[sim]") {
  Bench bench;
  bench.link->client_send(bytes_of("x"));
  bench.ring->receive(bench.receive.op, bench.descriptor, {});
  bench.turns(2);
  const MutableBytes memory = bench.ring->buffer(bench.receive.seen.at(0).buffer_id());
  bench.take_received();
  CHECK(memory[0] == std::byte{0xdd});
  memory[5] = std::byte{1};
  for (unsigned index = 0; index < buffer_count; ++index) {
    bench.link->client_send(bytes_of("y"));
    bench.turns(2);
  }
  CHECK(noticed(bench.world, "written to after its return"));
}

TEST_CASE("sim ring: bytes that change under a send are noticed", "[sim]") {
  Bench bench({.send_socket_bytes = 1});
  std::string text = "abc";
  bench.ring->send(bench.send.op, bench.descriptor, bytes_of(text));
  text[2] = 'x';
  bench.turns(2);
  CHECK(noticed(bench.world, "changed while the kernel held it"));
}

TEST_CASE("sim ring: a second send in flight on one connection is noticed", "[sim]") {
  Bench bench({.send_socket_bytes = 1});
  Recorder second;
  bench.ring->send(bench.send.op, bench.descriptor, bytes_of("a"));
  bench.ring->send(second.op, bench.descriptor, bytes_of("b"));
  CHECK(noticed(bench.world, "two operations of one kind"));
  bench.turns(2);
  bench.client_reads(1);
  bench.turns(2);
}

TEST_CASE("sim ring: a completion that outlived its operation is dropped and counted", "[sim]") {
  Bench bench({.plant = Plant::repeats_completion});
  bench.link->client_send(bytes_of("x"));
  bench.ring->receive(bench.receive.op, bench.descriptor, {.multishot = false});
  bench.turns(3);
  CHECK(bench.receive.seen.size() == 1);
  CHECK(bench.ring->counters().stale_completions == 1);
}

} // namespace
} // namespace ringfort::sim
