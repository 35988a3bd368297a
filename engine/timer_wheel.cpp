#include "engine/timer_wheel.hpp"

#include <algorithm>

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
}

void TimerWheel::unlink(Timer& timer) noexcept {
  timer.previous_->next_ = timer.next_;
  timer.next_->previous_ = timer.previous_;
  timer.next_ = timer.previous_ = nullptr;
}

std::uint64_t TimerWheel::ticks_until_next() const noexcept {
  for (std::uint64_t ahead = 1; ahead < slots; ++ahead) {
    const std::uint64_t tick_ahead = now_tick_ + ahead;
    const Timer& slot = wheel_[0][tick_ahead % slots];
    if (slot.next_ != &slot) return ahead;
    // At a turn of the lowest level, timers of higher levels may come down.
    if (tick_ahead % slots == 0) return ahead;
  }
  return slots;
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
