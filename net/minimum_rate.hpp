// minimum_rate — whether a peer moves its bytes fast enough: time is paid for in bytes.
#pragma once

#include <chrono>
#include <cstdint>

namespace ringfort::net {

/// A balance of time. Each byte that the peer moves earns what the rate says, waiting for it costs
/// what it takes, and at zero the peer is too slow. It begins with some seconds of grace, and holds
/// no more than a stall may last, so that a fast beginning does not pay for an endless trickle.
class MinimumRate {
public:
  using Time = std::chrono::nanoseconds;
  static constexpr std::chrono::seconds grace{5};
  static constexpr std::chrono::seconds balance_max{30};

  /// More is waited for from now on; `total_bytes` says what was moved since the last time.
  /// `bytes_per_s` is not 0. Cost: one division when something was moved.
  void update(Time now, std::uint64_t total_bytes, std::uint32_t bytes_per_s) noexcept;
  /// The peer is not waited for.
  void pause(Time now) noexcept;
  /// Nothing is under way: the next begins with grace again, and with what is moved until then. A
  /// kernel that took all there was at once has that to send yet, and takes no more meanwhile.
  void reset() noexcept {
    balance_ = grace;
    since_ = Time::max();
  }
  bool waiting() const noexcept { return since_ != Time::max(); }
  /// When the balance is spent, unless more comes; Time::max() while nothing is waited for.
  Time deadline() const noexcept { return waiting() ? since_ + balance_ : Time::max(); }

private:
  Time balance_ = grace; ///< as of since_
  Time since_ = Time::max();
  std::uint64_t seen_bytes_ = UINT64_MAX; ///< of the total; none yet
};

} // namespace ringfort::net
