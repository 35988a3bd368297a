// The timer wheel against a plain list of deadlines: never early, never more than a tick late.
#include "engine/timer_wheel.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/sim/prng.hpp"

namespace ringfort::engine {
namespace {

using namespace std::chrono_literals;
using Time = TimerWheel::Time;

constexpr Time start = 1'234'567'890ns;

/// A timer that knows when it was wanted and when it ran.
struct Watched {
  explicit Watched(Time& clock) : now(clock) {}
  Time& now;
  Time deadline{0};
  Time ran_at{-1};
  unsigned runs = 0;
  Timer timer{this, [](void* self) noexcept { static_cast<Watched*>(self)->run(); }};

  void run() noexcept {
    ran_at = now;
    ++runs;
  }
};

TEST_CASE("timer wheel: nothing armed means no wait to bound") {
  TimerWheel wheel(start);
  CHECK(wheel.until_next(start) == TimerWheel::never);
  wheel.advance(start + 100h);
  CHECK(wheel.armed_count() == 0);
}

TEST_CASE("timer wheel: a timer runs within a tick after its deadline, on every level") {
  for (const Time delay :
       {1ns, Time(10ms), Time(630ms), Time(640ms), Time(41s), Time(44min), Time(45h)}) {
    Time now = start;
    TimerWheel wheel(now);
    Watched watched(now);
    watched.deadline = start + delay;
    wheel.arm(watched.timer, watched.deadline);
    unsigned wakes = 0;
    while (watched.runs == 0) {
      const Time wait = wheel.until_next(now);
      REQUIRE(wait != TimerWheel::never);
      now += std::max(wait, 1ns);
      wheel.advance(now);
      REQUIRE(++wakes < 300'000);
    }
    CHECK(watched.ran_at >= watched.deadline);
    CHECK(watched.ran_at <= watched.deadline + TimerWheel::tick);
  }
}

TEST_CASE("timer wheel: a deadline that has passed runs at the next tick, not at once") {
  Time now = start;
  TimerWheel wheel(now);
  Watched watched(now);
  wheel.arm(watched.timer, start - 1h);
  CHECK(watched.runs == 0);
  now += TimerWheel::tick;
  wheel.advance(now);
  CHECK(watched.runs == 1);
}

TEST_CASE("timer wheel: a deadline beyond its span is cut to the span") {
  Time now = start;
  TimerWheel wheel(now);
  Watched watched(now);
  wheel.arm(watched.timer, start + 1000h);
  now += 47h;
  wheel.advance(now);
  CHECK(watched.runs == 1);
}

TEST_CASE("timer wheel: armed again it moves, cancelled it never runs") {
  Time now = start;
  TimerWheel wheel(now);
  Watched moved(now);
  Watched cancelled(now);
  wheel.arm(moved.timer, start + 1s);
  wheel.arm(moved.timer, start + 3s);
  wheel.arm(cancelled.timer, start + 1s);
  wheel.cancel(cancelled.timer);
  wheel.cancel(cancelled.timer); // Twice is the same as once.
  CHECK(wheel.armed_count() == 1);
  now += 2s;
  wheel.advance(now);
  CHECK(moved.runs == 0);
  now += 2s;
  wheel.advance(now);
  CHECK(moved.runs == 1);
  CHECK(cancelled.runs == 0);
}

/// Two timers of one tick; the first to run cancels the second and arms itself again.
struct Meddler {
  TimerWheel& wheel;
  Time& now;
  Watched& other;
  unsigned runs = 0;
  Timer timer{this, [](void* self) noexcept { static_cast<Meddler*>(self)->run(); }};

  void run() noexcept {
    wheel.cancel(other.timer);
    if (++runs < 3) wheel.arm(timer, now);
  }
};

TEST_CASE("timer wheel: from inside, a timer may cancel its neighbour and arm itself") {
  Time now = start;
  TimerWheel wheel(now);
  Watched neighbour(now);
  Meddler meddler{.wheel = wheel, .now = now, .other = neighbour};
  wheel.arm(meddler.timer, start + 15ms);
  wheel.arm(neighbour.timer, start + 15ms);
  for (int count = 0; count < 10; ++count) {
    now += TimerWheel::tick;
    wheel.advance(now);
  }
  CHECK(meddler.runs == 3);
  CHECK(neighbour.runs == 0);
}

TEST_CASE("timer wheel: like a list, over random arms, moves, cancels and jumps of the clock") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    sim::Prng prng(seed);
    Time now = start;
    TimerWheel wheel(now);
    std::vector<std::unique_ptr<Watched>> timers;
    for (int count = 0; count < 64; ++count) timers.push_back(std::make_unique<Watched>(now));
    for (int step = 0; step < 2'000; ++step) {
      Watched& one = *timers[prng.below(timers.size())];
      if (prng.chance(700)) {
        const auto bits = prng.between(1, 46);
        one.deadline = now + Time(static_cast<Time::rep>(prng.below(std::uint64_t{1} << bits)));
        one.ran_at = Time(-1);
        wheel.arm(one.timer, one.deadline);
      } else if (prng.chance(200)) {
        wheel.cancel(one.timer);
      }
      const Time before = now;
      now += Time(static_cast<Time::rep>(prng.below(std::uint64_t{1} << prng.between(1, 36))));
      wheel.advance(now);
      for (const auto& timer : timers) {
        if (timer->timer.armed()) {
          REQUIRE(timer->deadline + TimerWheel::tick > now);
        } else if (timer->ran_at == now && timer->ran_at > before) {
          REQUIRE(timer->deadline <= now);
        }
      }
    }
    for (const auto& timer : timers) wheel.cancel(timer->timer);
    CHECK(wheel.armed_count() == 0);
  }
}

} // namespace
} // namespace ringfort::engine
