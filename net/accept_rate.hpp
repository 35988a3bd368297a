// accept_rate — how fast connections may come: a burst of one second's worth, then one by one.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace ringfort::net {

/// Where: one shard.
class AcceptRate {
public:
  using Time = std::chrono::nanoseconds;

  /// 0: as fast as they come.
  explicit AcceptRate(std::uint32_t per_s_max) noexcept
      : each_(per_s_max == 0 ? Time::zero() : Time(std::chrono::seconds(1)) / per_s_max) {}

  void count(Time now) noexcept { paid_until_ = std::max(paid_until_, now) + each_; }
  /// How long no more may come: zero, or until a tenth of a second's worth may.
  Time wait(Time now) const noexcept {
    constexpr Time burst = std::chrono::seconds(1);
    constexpr Time pause = std::chrono::milliseconds(100);
    const Time ahead = paid_until_ - now;
    return ahead < burst ? Time::zero() : ahead - burst + std::max(pause, each_);
  }

private:
  Time each_;
  Time paid_until_{0};
};

} // namespace ringfort::net
