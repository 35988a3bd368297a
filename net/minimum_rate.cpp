#include "net/minimum_rate.hpp"

#include <algorithm>

namespace ringfort::net {

void MinimumRate::update(Time now, std::uint64_t total_bytes, std::uint32_t bytes_per_s) noexcept {
  pause(now);
  const std::uint64_t moved_bytes = seen_bytes_ == UINT64_MAX ? 0 : total_bytes - seen_bytes_;
  if (moved_bytes > 0) {
    // What would overflow earns the most there is.
    constexpr std::uint64_t most_ns = Time(balance_max).count();
    const std::uint64_t enough_bytes = std::uint64_t{balance_max.count()} * bytes_per_s;
    const std::uint64_t earned_ns =
        moved_bytes >= enough_bytes ? most_ns : moved_bytes * 1'000'000'000 / bytes_per_s;
    balance_ = std::min<Time>(balance_ + Time(earned_ns), balance_max);
  }
  seen_bytes_ = total_bytes;
  since_ = now;
}

void MinimumRate::pause(Time now) noexcept {
  if (waiting()) balance_ -= now - since_;
  since_ = Time::max();
}

} // namespace ringfort::net
