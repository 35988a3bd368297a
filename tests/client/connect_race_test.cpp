// Races to connect, over the kernel's ring on loopback. In virtual time: tests/sim.
#include "net/connect_race.hpp"

#include <initializer_list>
#include <memory>
#include <optional>

#include <catch2/catch_test_macros.hpp>

#include "tests/client/race_record.hpp"
#include "tests/unit/engine/loopback.hpp"

namespace ringfort::net {
namespace {

using engine::LoopbackListener;
using engine::SilentListener;
using engine::SocketAddress;
using namespace std::chrono_literals;

struct Course {
  Course() {
    loop = std::move(*engine::Loop::create({.ring = {.submission_entries = 8,
                                                     .completion_entries = 64,
                                                     .buffer_count = 2,
                                                     .buffer_bytes = 1'024},
                                            .block_count = 4}));
    REQUIRE(loop->turn(0ns));
    race.emplace(*loop, record);
  }
  ~Course() {
    if (record.descriptor >= 0) loop->ring().close(record.descriptor);
  }
  void run(std::initializer_list<SocketAddress> addresses, std::chrono::nanoseconds timeout = 10s) {
    race->start(Addresses(std::span(addresses.begin(), addresses.size())), timeout);
    for (int turns = 0; !race->settled() && turns < 1'000; ++turns) REQUIRE(loop->turn(1s));
    CHECK(race->settled());
    CHECK(record.told_count == 1);
    CHECK(record.settled_count == 1);
  }

  RaceRecord record;
  std::unique_ptr<engine::Loop> loop;
  std::optional<ConnectRace> race;
};

/// Connections that wait at a listener.
int take_all(const LoopbackListener& listener) {
  int count = 0;
  for (int taken = listener.accept(); taken >= 0; taken = listener.accept(), ++count) {
    ::close(taken);
  }
  return count;
}

TEST_CASE("connect race: the preferred family connects, and the other one's server sees nothing") {
  for (const bool v6_first : {false, true}) {
    Course course;
    const LoopbackListener first(v6_first ? "::1" : "127.0.0.1");
    const LoopbackListener second(v6_first ? "127.0.0.1" : "::1");
    course.run({first.address(), second.address()});
    CHECK(course.record.address == first.address());
    CHECK(course.loop->ring().peer_address(course.record.descriptor) == first.address());
    CHECK(take_all(first) == 1);
    CHECK(take_all(second) == 0);
  }
}

TEST_CASE("connect race: where the preferred address refuses, the next one serves") {
  Course course;
  const LoopbackListener listener("127.0.0.1");
  course.run({engine::refusing_address("::1"), listener.address()});
  CHECK(course.record.address == listener.address());
}

TEST_CASE("connect race: where the preferred address is silent, the next one serves") {
  Course course;
  const SilentListener silent("::1");
  const LoopbackListener listener("127.0.0.1");
  course.run({silent.address(), listener.address()});
  CHECK(course.record.address == listener.address());
}

TEST_CASE("connect race: nobody listens: connect.refused") {
  Course course;
  course.run({engine::refusing_address("::1"), engine::refusing_address("127.0.0.1")});
  REQUIRE(course.record.error);
  CHECK(course.record.error->code == Code::connect_refused);
}

TEST_CASE("connect race: no way leads there: connect.unreachable") {
  Course course;
  course.run({*SocketAddress::parse("224.0.0.1", 443)}); // No TCP to a group, and nothing is sent.
  REQUIRE(course.record.error);
  CHECK(course.record.error->code == Code::connect_unreachable);
}

TEST_CASE("connect race: nobody answers until the deadline: connect.timed_out") {
  Course course;
  const SilentListener silent;
  course.run({silent.address()}, 20ms);
  REQUIRE(course.record.error);
  CHECK(course.record.error->code == Code::connect_timed_out);
}

} // namespace
} // namespace ringfort::net
