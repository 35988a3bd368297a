// Races to connect, in virtual time: who is tried when, who wins, and that nothing is left of the
// others.
#include <array>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "engine/loop.hpp"
#include "net/connect_race.hpp"
#include "tests/client/race_record.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::sim {
namespace {

using engine::SocketAddress;
using net::Addresses;
using namespace std::chrono_literals;

constexpr std::array hosts = {"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"};
constexpr std::uint16_t port = 443;

SocketAddress address_of(std::string_view host) { return *SocketAddress::parse(host, port); }

Addresses addresses_of(std::initializer_list<std::string_view> list) {
  Addresses addresses;
  for (const std::string_view host : list) addresses.add(address_of(host));
  return addresses;
}

/// A world, a loop in it, and a race.
struct Course {
  explicit Course(const Knobs& knobs = {}, std::uint64_t seed = 1) : world(seed, knobs) {
    loop = std::move(*engine::Loop::create({.ring = {.submission_entries = 8,
                                                     .completion_entries = 64,
                                                     .buffer_count = 2,
                                                     .buffer_bytes = 64},
                                            .block_count = 4}));
    REQUIRE(loop->turn(0ns));
    race.emplace(*loop, record);
    start = world.now();
  }
  /// Runs the race until it has settled; how long it took until something was told.
  Time run(const Addresses& addresses, Time timeout = 10s) {
    race->start(addresses, timeout);
    return run_on();
  }
  /// The same, of a race that was started.
  Time run_on() {
    Time told{0};
    for (int turns = 0; !race->settled() && turns < 1'000; ++turns) {
      REQUIRE(loop->turn(1s));
      if (told == Time{0} && record.told_count > 0) told = world.now() - start;
    }
    CHECK(race->settled());
    CHECK(record.settled_count == 1);
    CHECK(world.violations() == std::vector<std::string>());
    return told;
  }
  void listen(std::string_view host) { REQUIRE(loop->ring().listen(address_of(host), 16)); }

  World world;
  net::RaceRecord record;
  std::unique_ptr<engine::Loop> loop;
  std::optional<net::ConnectRace> race;
  Time start{0};
};

TEST_CASE("connect race: the preferred address is the only one that is tried when it answers",
          "[sim]") {
  Course course;
  for (const char* host : hosts) course.listen(host);
  course.run(addresses_of({hosts[0], hosts[1], hosts[2]}));
  CHECK(course.record.told_count == 1);
  CHECK(course.record.address == address_of(hosts[0]));
  CHECK(course.world.occasions(Occasion::connect) == 1);
  CHECK(course.world.descriptors_open() == hosts.size() + 1);
}

TEST_CASE("connect race: the other family follows a quarter of a second later, and can win",
          "[sim]") {
  Course course;
  course.listen(hosts[2]);
  course.world.silence(address_of(hosts[0]));
  const Time took = course.run(addresses_of({hosts[0], hosts[1], hosts[2]}));
  CHECK(course.record.address == address_of(hosts[2]));
  CHECK(took >= 250ms);
  CHECK(took < 300ms);
  CHECK(course.world.descriptors_open() == 2);
}

TEST_CASE("connect race: an attempt that was late may still win", "[sim]") {
  Course course({.latency_max = 2s}, 3);
  for (const char* host : {hosts[0], hosts[2]}) course.listen(host);
  course.run(addresses_of({hosts[0], hosts[2]}));
  CHECK(course.record.told_count == 1);
  CHECK(course.world.descriptors_open() == 3);
}

TEST_CASE("connect race: after a refusal the next address is tried at once", "[sim]") {
  Course course;
  course.listen(hosts[2]);
  const Time took = course.run(addresses_of({hosts[0], hosts[1], hosts[2]}));
  CHECK(course.record.address == address_of(hosts[2]));
  CHECK(took < 50ms);
}

TEST_CASE("connect race: when all fail the preferred address says why: connect.refused", "[sim]") {
  Course course({.failure = {Occasion::connect, 2, EHOSTUNREACH}});
  course.run(addresses_of({hosts[0], hosts[2]}));
  REQUIRE(course.record.error);
  CHECK(course.record.error->code == Code::connect_refused);
  CHECK(course.record.told_count == 1);
  CHECK(course.world.descriptors_open() == 0);
}

TEST_CASE("connect race: the errno decides between connect.unreachable, connect.failed and others",
          "[sim]") {
  constexpr std::pair<int, Code> rows[] = {
      {ENETUNREACH, Code::connect_unreachable},   {EHOSTUNREACH, Code::connect_unreachable},
      {EADDRNOTAVAIL, Code::connect_unreachable}, {ETIMEDOUT, Code::connect_timed_out},
      {ENOBUFS, Code::connect_descriptors_spent}, {ECONNREFUSED, Code::connect_refused},
      {ECONNRESET, Code::connect_failed},         {EACCES, Code::connect_failed}};
  for (const auto& [error_number, code] : rows) {
    Course course({.failure = {Occasion::connect, 1, error_number}});
    course.listen(hosts[0]);
    course.run(addresses_of({hosts[0]}));
    REQUIRE(course.record.error);
    CHECK(course.record.error->code == code);
    CHECK(course.record.error->detail == error_number);
  }
}

TEST_CASE("connect race: all attempts together have until the deadline: connect.timed_out",
          "[sim]") {
  Course course({.connect_silent_per_mille = 1'000});
  const Time took = course.run(addresses_of({hosts[0], hosts[1], hosts[2], hosts[3]}), 600ms);
  REQUIRE(course.record.error);
  CHECK(course.record.error->code == Code::connect_timed_out);
  CHECK(took >= 600ms);
  CHECK(took < 650ms);
  CHECK(course.world.descriptors_open() == 0);
}

TEST_CASE("connect race: without a descriptor it fails: connect.descriptors_spent", "[sim]") {
  Course course({.descriptors_max = 0});
  course.run(addresses_of({hosts[0], hosts[2]}));
  REQUIRE(course.record.error);
  CHECK(course.record.error->code == Code::connect_descriptors_spent);
}

TEST_CASE("connect race: stopped, it tells nothing, settles, and can start again", "[sim]") {
  Course course;
  course.listen(hosts[2]);
  course.world.silence(address_of(hosts[0]));
  course.race->start(addresses_of({hosts[0], hosts[1]}), 10s);
  REQUIRE(course.loop->turn(100ms));
  course.race->stop();
  for (int turns = 0; !course.race->settled() && turns < 100; ++turns) {
    REQUIRE(course.loop->turn(10ms));
  }
  CHECK(course.record.settled_count == 1);
  CHECK(course.record.told_count == 0);
  CHECK(course.world.descriptors_open() == 1);
  course.record = {};
  course.run(addresses_of({hosts[2]}));
  CHECK(course.record.address == address_of(hosts[2]));
}

TEST_CASE(
    "connect race: an address that follows waits for its turn, that of the other family first",
    "[sim]") {
  Course course;
  for (const char* host : {hosts[1], hosts[3]}) course.listen(host);
  course.world.silence(address_of(hosts[2]));
  course.race->start(addresses_of({hosts[2]}), 10s, true);
  REQUIRE(course.loop->turn(50ms));
  course.race->add_rest(addresses_of({hosts[2], hosts[3], hosts[1]}));
  const Time took = course.run_on();
  CHECK(course.record.address == address_of(hosts[1]));
  CHECK(took >= 250ms);
  CHECK(took < 300ms);
}

TEST_CASE("connect race: while addresses follow it is not lost, and then tries them at once",
          "[sim]") {
  Course course;
  course.listen(hosts[2]);
  course.race->start(addresses_of({hosts[0]}), 10s, true);
  for (int turns = 0; turns < 20; ++turns) REQUIRE(course.loop->turn(10ms));
  CHECK(course.record.told_count == 0);
  const Time before = course.world.now() - course.start;
  course.race->add_rest(addresses_of({hosts[0], hosts[2]}));
  const Time took = course.run_on();
  CHECK(course.record.address == address_of(hosts[2]));
  CHECK(took - before < 50ms);
}

TEST_CASE("connect race: when none follow it is lost, with what was tried: connect.refused",
          "[sim]") {
  Course course;
  course.race->start(addresses_of({hosts[0]}), 10s, true);
  for (int turns = 0; turns < 20; ++turns) REQUIRE(course.loop->turn(10ms));
  course.race->add_rest({});
  course.run_on();
  REQUIRE(course.record.error);
  CHECK(course.record.error->code == Code::connect_refused);
}

TEST_CASE("connect race: in any world one outcome is told, once, and no other socket is left",
          "[sim]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Prng prng(seed);
    Knobs knobs = Knobs::draw(prng);
    knobs.connect_refused_per_mille = static_cast<unsigned>(prng.below(600));
    knobs.connect_silent_per_mille = static_cast<unsigned>(prng.below(600));
    knobs.latency_max = std::chrono::milliseconds(prng.between(1, 1'000));
    Course course(knobs, seed);
    for (const char* host : hosts) course.listen(host);
    const Addresses all = addresses_of({hosts[0], hosts[1], hosts[2], hosts[3]});
    const bool in_parts = prng.chance(500);
    course.race->start(in_parts ? addresses_of({hosts[2], hosts[3]}) : all, 1s, in_parts);
    if (in_parts) {
      REQUIRE(course.loop->turn(std::chrono::milliseconds(prng.below(1'500))));
      course.race->add_rest(prng.chance(800) ? all : Addresses());
    }
    course.run_on();
    CHECK(course.record.told_count == 1);
    CHECK(course.record.error.has_value() == (course.record.descriptor < 0));
    CHECK(course.world.descriptors_open() == hosts.size() + (course.record.error ? 0 : 1));
  }
}

TEST_CASE("connect race: the families take turns, and neither keeps the other out", "[sim]") {
  const auto order = [](std::initializer_list<std::string_view> list) {
    std::string text;
    const Addresses interleaved = net::interleave_families(addresses_of(list));
    for (const SocketAddress& address : interleaved.all()) {
      text += address.host() + ' ';
    }
    return text;
  };
  CHECK(order({"::1", "::2", "::3", "1.0.0.1", "1.0.0.2"}) == "::1 1.0.0.1 ::2 1.0.0.2 ::3 ");
  CHECK(order({"1.0.0.1", "1.0.0.2", "::1"}) == "1.0.0.1 ::1 1.0.0.2 ");
  CHECK(order({"::1"}) == "::1 ");
  CHECK(order({"::1", "::2", "::3", "::4", "::5", "::6", "::7", "::8", "::9", "1.0.0.1"}) ==
        "::1 1.0.0.1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ");
}

} // namespace
} // namespace ringfort::sim
