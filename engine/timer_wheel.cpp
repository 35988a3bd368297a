#include "engine/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace ringfort::engine {

TimerWheel::TimerWheel(Time now) noexcept
    : now_tick_(static_cast<std::uint64_t>(now.count() / tick.count())) {
  for (auto& level : wheel_) {
    for (Timer& slot : level) slot.next_ = slot.previous_ = &slot;
  }
}

// The slot heads are Timers themselves; they are not armed when they go.
TimerWheel::~TimerWheel() {
  RINGFORT_CHECK(armed_ == 0);
  for (auto& level : wheel_) {
    for (Timer& slot : level) slot.next_ = slot.previous_ = nullptr;
  }
}

void TimerWheel::arm(Timer& timer, Time deadline) noexcept {
  if (timer.armed()) cancel(timer);
  // Rounded up, so that the tick is never before the deadline.
  const auto count = std::max<Time::rep>(deadline.count(), 0);
  auto wanted = static_cast<std::uint64_t>(count / tick.count());
  if (count % tick.count() != 0) ++wanted;
  timer.deadline_tick_ = std::clamp(wanted, now_tick_ + 1, now_tick_ + span_ticks - 1);
  link(timer);
  ++armed_;
}

void TimerWheel::cancel(Timer& timer) noexcept {
  if (!timer.armed()) return;
  unlink(timer);
  --armed_;
}

void TimerWheel::link(Timer& timer) noexcept {
  // The level is that of the highest digit in which deadline and now differ.
  const std::uint64_t differing = timer.deadline_tick_ ^ now_tick_;
  unsigned level = 0;
  while (level + 1 < levels && differing >> (level_bits * (level + 1)) != 0) ++level;
  const std::uint64_t digit = timer.deadline_tick_ >> (level_bits * level);
  Timer& slot = wheel_[level][digit % slots];
  timer.next_ = &slot;
  timer.previous_ = slot.previous_;
  slot.previous_->next_ = &timer;
  slot.previous_ = &timer;
  if (level == 0) occupied_ |= std::uint64_t{1} << (digit % slots);
}

void TimerWheel::unlink(Timer& timer) noexcept {
  timer.previous_->next_ = timer.next_;
  timer.next_->previous_ = timer.previous_;
  // Alone between its slot's two ends, it leaves the slot empty; only the lowest level has bits.
  const bool was_last = timer.next_ == timer.previous_;
  const auto& lowest = wheel_[0];
  const auto digit = timer.deadline_tick_ % slots;
  if (was_last && timer.next_ == &lowest[digit]) occupied_ &= ~(std::uint64_t{1} << digit);
  timer.next_ = timer.previous_ = nullptr;
}

// All timers of the lowest level are due before its turn ends, when those of higher levels may come
// down; so the slots behind now are empty, and the bits from now on are the ticks ahead.
std::uint64_t TimerWheel::ticks_until_next() const noexcept {
  const std::uint64_t passed = now_tick_ % slots;
  const std::uint64_t ahead = occupied_ >> passed; // Its own bit is clear: that slot has run.
  const std::uint64_t until_turn = slots - passed;
  return ahead == 0 ? until_turn : static_cast<std::uint64_t>(std::countr_zero(ahead));
}

TimerWheel::Time TimerWheel::until_next(Time now) const noexcept {
  if (armed_ == 0) return never;
  const auto due_tick = static_cast<Time::rep>(now_tick_ + ticks_until_next());
  return std::max(Time(due_tick * tick.count()) - now, Time::zero());
}

void TimerWheel::cascade() noexcept {
  for (unsigned level = 1; level < levels; ++level) {
    Timer& slot = wheel_[level][(now_tick_ >> (level_bits * level)) % slots];
    while (slot.next_ != &slot) {
      Timer& timer = *slot.next_;
      unlink(timer);
      link(timer);
    }
    if ((now_tick_ >> (level_bits * level)) % slots != 0) return;
  }
}

void TimerWheel::run_slot(Timer& slot) noexcept {
  while (slot.next_ != &slot) {
    Timer& timer = *slot.next_;
    unlink(timer);
    --armed_;
    timer.run_(timer.owner_);
  }
}

void TimerWheel::advance(Time now) noexcept {
  const auto target = static_cast<std::uint64_t>(now.count() / tick.count());
  while (now_tick_ < target) {
    if (armed_ == 0) {
      now_tick_ = target;
      return;
    }
    now_tick_ += std::min(ticks_until_next(), target - now_tick_);
    if (now_tick_ % slots == 0) cascade();
    run_slot(wheel_[0][now_tick_ % slots]);
  }
}

} // namespace ringfort::engine
