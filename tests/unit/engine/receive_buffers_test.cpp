// Who waits for a receive buffer, and in what order they have one.
#include "engine/receive_buffers.hpp"

#include <array>
#include <memory>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "engine/uring_ring.hpp"
#include "tests/unit/engine/recorder.hpp"

namespace ringfort::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t buffer_count = 4;
constexpr std::uint32_t buffer_bytes = 1'024;

/// A ring whose buffers the kernel has filled, all of them held.
struct Bench {
  Bench() {
    REQUIRE(ring->start());
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const std::string text(buffer_count * buffer_bytes, 'x');
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ring->receive(receive.op, ends[0], {});
    while (receive.seen.size() < buffer_count) turn();
    for (const Completion& one : receive.seen) buffers.hold(one.buffer_id());
  }
  ~Bench() {
    while (receive.op.armed()) {
      ring->cancel(receive.op);
      turn();
    }
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void turn() {
    REQUIRE(ring->submit_and_wait(1, 1s));
    std::array<Harvested, 16> batch;
    const std::size_t count = ring->harvest(batch);
    for (std::size_t index = 0; index < count; ++index) {
      batch[index].op->complete(batch[index].completion);
    }
  }
  void give_back(std::size_t which) { buffers.release(receive.seen[which].buffer_id()); }

  std::unique_ptr<UringRing> ring = *UringRing::create({.submission_entries = 8,
                                                        .completion_entries = 64,
                                                        .buffer_count = buffer_count,
                                                        .buffer_bytes = buffer_bytes});
  ReceiveBuffers buffers{*ring, buffer_count, buffer_bytes};
  int ends[2];
  Recorder receive;
};

/// Says its name when it is woken.
struct Waiting {
  Waiting(std::string& all_said, char one) : said(all_said), name(one) {}

  std::string& said;
  char name;
  Starved place{this, [](void* self) noexcept {
                  auto& waiting = *static_cast<Waiting*>(self);
                  waiting.said.push_back(waiting.name);
                }};
};

TEST_CASE("receive buffers: who comes later is behind who found none, and each has one in turn") {
  Bench bench;
  std::string woken;
  Waiting first(woken, 'a');
  Waiting second(woken, 'b');
  Waiting third(woken, 'c');
  CHECK_FALSE(bench.buffers.waited_for());
  bench.buffers.starve(first.place);
  CHECK(bench.buffers.waited_for());
  bench.buffers.queue(second.place);
  bench.buffers.queue(third.place);
  CHECK(bench.buffers.starved_count() == 1); // The others did not ask the kernel.
  bench.buffers.wake_starved();
  CHECK(woken.empty());
  bench.give_back(0);
  bench.buffers.wake_starved();
  CHECK(woken == "a");
  bench.buffers.queue(first.place);
  bench.give_back(1);
  bench.buffers.wake_starved();
  CHECK(woken == "abc"); // Two are there: nobody has taken the one that the first was woken for.
  bench.buffers.wake_starved();
  CHECK(woken == "abca");
  CHECK_FALSE(bench.buffers.waited_for());
  bench.give_back(2);
  bench.give_back(3);
}

TEST_CASE("receive buffers: what is there wakes who waits, while others are held for long") {
  Bench bench;
  std::string woken;
  Waiting one(woken, 'a');
  bench.give_back(0);
  // It found none before that one was back; nobody gives back another.
  bench.buffers.starve(one.place);
  bench.buffers.wake_starved();
  CHECK(woken == "a");
  for (const std::size_t which : {1U, 2U, 3U}) bench.give_back(which);
}

TEST_CASE("receive buffers: who has left the queue is not woken") {
  Bench bench;
  std::string woken;
  Waiting one(woken, 'a');
  Waiting other(woken, 'b');
  bench.buffers.starve(one.place);
  bench.buffers.queue(other.place);
  bench.buffers.unstarve(one.place);
  for (const std::size_t which : {0U, 1U, 2U, 3U}) bench.give_back(which);
  bench.buffers.wake_starved();
  CHECK(woken == "b");
}

} // namespace
} // namespace ringfort::engine
