// The kernel's ring, called as the engine calls it: the facts that the rest relies on.
#include "engine/uring_ring.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/engine/recorder.hpp"

namespace ringfort::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t buffer_bytes = 1'024;
constexpr std::uint32_t buffer_count = 4;

/// A started ring and one connected pair: `near` is the ring's, `far` the test's.
struct Bench {
  Bench() {
    ring = *UringRing::create({.submission_entries = 8,
                               .completion_entries = 64,
                               .buffer_count = buffer_count,
                               .buffer_bytes = buffer_bytes});
    REQUIRE(ring->start());
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  }
  ~Bench() {
    for (Recorder* recorder : {&receive, &send}) {
      while (recorder->op.armed()) {
        ring->cancel(recorder->op);
        turn();
      }
    }
    ::close(ends[0]);
    ::close(ends[1]);
  }
  /// One turn as the loop makes it; false when nothing came within a second.
  bool turn() {
    REQUIRE(ring->submit_and_wait(1, 1s));
    std::array<Harvested, 16> batch;
    const std::size_t count = ring->harvest(batch);
    for (std::size_t index = 0; index < count; ++index) {
      batch[index].op->complete(batch[index].completion);
    }
    return count > 0;
  }
  void say(std::string_view text) {
    REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }

  std::unique_ptr<UringRing> ring;
  int ends[2];
  Recorder receive;
  Recorder send;
};

TEST_CASE("uring: a receive lands in a provided buffer, and stays armed for more") {
  Bench bench;
  bench.ring->receive(bench.receive.op, bench.ends[0], {});
  for (const std::string_view text : {"one", "two"}) {
    bench.say(text);
    REQUIRE(bench.turn());
    const Completion& last = bench.receive.seen.back();
    CHECK(last.result == 3);
    REQUIRE(last.has_buffer());
    CHECK(last.more());
    CHECK(text_of(bench.ring->buffer(last.buffer_id()).first(3)) == text);
    bench.ring->return_buffer(last.buffer_id());
  }
  CHECK(bench.ring->buffers_available() == buffer_count);
}

TEST_CASE(
    "uring: without a buffer left a receive ends with ENOBUFS, and goes on when one is back") {
  Bench bench;
  bench.say(std::string(buffer_bytes * (buffer_count + 1), 'x'));
  bench.ring->receive(bench.receive.op, bench.ends[0], {});
  while (bench.receive.op.armed()) REQUIRE(bench.turn());
  REQUIRE(bench.receive.seen.size() == buffer_count + 1);
  CHECK(bench.receive.seen.back().result == -ENOBUFS);
  CHECK(bench.ring->buffers_available() == 0);
  bench.ring->return_buffer(bench.receive.seen.front().buffer_id());
  bench.ring->receive(bench.receive.op, bench.ends[0], {});
  REQUIRE(bench.turn());
  CHECK(bench.receive.seen.back().result == static_cast<int>(buffer_bytes));
}

TEST_CASE("uring: a capped receive ends by itself after so many bytes, where the kernel can") {
  Bench bench;
  if (!bench.ring->features().receive_cap) SKIP("Linux before 6.17 has no cap");
  bench.ring->receive(bench.receive.op, bench.ends[0], {.cap_bytes = 2 * buffer_bytes});
  bench.say(std::string(buffer_bytes * 3, 'x'));
  while (bench.receive.op.armed()) REQUIRE(bench.turn());
  std::int64_t received = 0;
  for (const Completion& completion : bench.receive.seen) received += completion.result;
  CHECK(received == 2 * buffer_bytes);
}

TEST_CASE("uring: a cancelled receive ends with ECANCELED, and only then is its lease over") {
  Bench bench;
  bench.ring->receive(bench.receive.op, bench.ends[0], {});
  REQUIRE(bench.ring->submit_and_wait(0, 0ns));
  bench.ring->cancel(bench.receive.op);
  CHECK(bench.receive.leases.count() == 1);
  while (bench.receive.op.armed()) REQUIRE(bench.turn());
  CHECK(bench.receive.seen.back().result == -ECANCELED);
  CHECK(bench.receive.leases.none());
}

TEST_CASE("uring: pieces are sent in order as one") {
  Bench bench;
  std::string first = "gathered ";
  std::string second = "send";
  const std::array pieces{iovec{first.data(), first.size()}, iovec{second.data(), second.size()}};
  bench.ring->send_gathered(bench.send.op, bench.ends[0], pieces.data(), 2);
  REQUIRE(bench.turn());
  CHECK(bench.send.seen.back().result == 13);
  std::array<char, 32> arrived{};
  CHECK(::read(bench.ends[1], arrived.data(), arrived.size()) == 13);
  CHECK(std::string_view(arrived.data()) == "gathered send");
}

TEST_CASE("uring: a send to an end that is gone is EPIPE, without a signal") {
  Bench bench;
  ::shutdown(bench.ends[1], SHUT_RD);
  bench.ring->send(bench.send.op, bench.ends[0], bytes_of("text"));
  REQUIRE(bench.turn());
  CHECK(bench.send.seen.back().result == -EPIPE);
}

TEST_CASE("uring: a wake ends the next wait, however often it was called") {
  Bench bench;
  for (int count = 0; count < 3; ++count) bench.ring->wake();
  const auto before = bench.ring->now();
  REQUIRE(bench.ring->submit_and_wait(1, 3'600s));
  CHECK(bench.ring->now() - before < 3'600s);
}

TEST_CASE("uring: more operations than entries are submitted in between, none is lost") {
  Bench bench;
  std::vector<std::unique_ptr<Recorder>> sends;
  for (int count = 0; count < 50; ++count) {
    sends.push_back(std::make_unique<Recorder>());
    bench.ring->send(sends.back()->op, bench.ends[0], bytes_of("x"));
  }
  for (int turns = 0; turns < 50; ++turns) {
    if (std::ranges::none_of(sends, [](const auto& send) { return send->op.armed(); })) break;
    bench.turn();
  }
  for (const auto& send : sends) CHECK(send->seen.at(0).result == 1);
  CHECK(bench.ring->counters().sends == 50);
}

} // namespace
} // namespace ringfort::engine
