// timer_wheel — coarse deadlines for many connections: arming and cancelling cost a list link.
//
// Four levels of 64 slots; a slot of one level spans a whole turn of the level below. Ticks are
// 10 ms. A timer never fires before its deadline, and at most one tick (plus the turn) after it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include <ringfort/check.hpp>

namespace ringfort::engine {

/// One deadline, living inside its owner.
class Timer {
public:
  using Run = void (*)(void* owner) noexcept;

  Timer(void* owner, Run run) noexcept : owner_(owner), run_(run) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { RINGFORT_CHECK(!armed()); }

  bool armed() const noexcept { return next_ != nullptr; }

private:
  friend class TimerWheel;

  void* owner_;
  Run run_;
  Timer* next_ = nullptr; ///< circular within its slot
  Timer* previous_ = nullptr;
  std::uint64_t deadline_tick_ = 0;
};

/// Where: one shard.
class TimerWheel {
public:
  using Time = std::chrono::nanoseconds; ///< since any fixed point, never going back

  static constexpr Time tick{10'000'000};
  /// What until_next() answers when nothing is armed.
  static constexpr Time never = Time::max();

  explicit TimerWheel(Time now) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Arms, or moves an armed timer. Deadlines beyond 46 hours are cut to that.
  void arm(Timer& timer, Time deadline) noexcept;
  void cancel(Timer& timer) noexcept;

  /// How long until advance() may have something to do. Never too long; it may be too short by a
  /// turn of a lower level. Cost: one look at a word of bits.
  Time until_next(Time now) const noexcept;
  /// Runs every timer whose deadline has passed. A timer may arm or cancel any from inside.
  void advance(Time now) noexcept;

  std::uint32_t armed_count() const noexcept { return armed_; }

private:
  static constexpr unsigned level_bits = 6;
  static constexpr unsigned levels = 4;
  static constexpr std::uint64_t slots = 1u << level_bits;
  static constexpr std::uint64_t span_ticks = std::uint64_t{1} << (level_bits * levels);

  void link(Timer& timer) noexcept;
  void unlink(Timer& timer) noexcept;
  void cascade() noexcept;
  void run_slot(Timer& slot) noexcept;
  std::uint64_t ticks_until_next() const noexcept;

  /// The head of a slot's circular list: never armed, never run.
  struct Slot : Timer {
    Slot() noexcept : Timer(nullptr, nullptr) {}
  };

  std::array<std::array<Slot, slots>, levels> wheel_;
  std::uint64_t occupied_ = 0; ///< a bit for each slot of the lowest level that holds timers
  std::uint64_t now_tick_;     ///< every timer due before or at this tick has run
  std::uint32_t armed_ = 0;
};

} // namespace ringfort::engine
