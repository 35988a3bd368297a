// connection_deadlines — until when a connection waits, for each thing that it may wait for: one
// timer for all.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include "engine/timer_wheel.hpp"

namespace ringfort::net {

/// Where: one shard.
class ConnectionDeadlines {
public:
  using Time = std::chrono::nanoseconds;
  enum class Kind : std::uint8_t {
    phase,        ///< of what the connection waits for now
    request,      ///< to have all of a request, while the peer is waited for
    receive_rate, ///< the peer's body comes too slowly then
    write,        ///< without a byte taken by the peer
    send_rate,    ///< the peer takes what it is sent too slowly then
    rest,         ///< a connection that waits for a request comes to rest
    turn,         ///< a handshake has waited for its turn long enough
    handler,      ///< the handler has waited elsewhere long enough
    sleep,        ///< a handler that asked for it goes on
  };
  static constexpr Time never = Time::max();

  /// `fire` is called with `owner` when the earliest may be due; arm() again then.
  ConnectionDeadlines(void* owner, void (*fire)(void*) noexcept) noexcept : timer_(owner, fire) {
    at_.fill(never);
  }

  Time at(Kind kind) const noexcept { return at_[static_cast<std::size_t>(kind)]; }
  void set(Kind kind, Time time) noexcept {
    at_[static_cast<std::size_t>(kind)] = time;
    earliest_ = std::min(earliest_, time);
  }
  void clear(Kind kind) noexcept { at_[static_cast<std::size_t>(kind)] = never; }
  bool is_set(Kind kind) const noexcept { return at(kind) != never; }

  /// After changes. Cost: mostly nothing, because deadlines mostly move later, and the timer looks
  /// again when it fires.
  void arm(engine::TimerWheel& timers) noexcept {
    if (!timer_.armed() || earliest_ < armed_for_) arm_earliest(timers);
  }
  void cancel(engine::TimerWheel& timers) noexcept { timers.cancel(timer_); }

private:
  void arm_earliest(engine::TimerWheel& timers) noexcept;

  static constexpr std::size_t kinds = static_cast<std::size_t>(Kind::sleep) + 1;

  engine::Timer timer_;
  Time armed_for_ = never;
  Time earliest_ = never; ///< none is earlier; one that was may have moved since
  std::array<Time, kinds> at_;
};

} // namespace ringfort::net
