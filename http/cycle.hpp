// cycle — where the two sides of one request and its response stand, whichever role we play.
//
// Everything that moves the state is in cycle.def; this file does not know who is the server.
#pragma once

#include <array>
#include <cstdint>

namespace ringfort::http {

enum class SideState : std::uint8_t {
  idle,    ///< nothing of its message yet
  sending, ///< its head is out, its body is not
  done,    ///< its message is complete
  closing, ///< complete, and no other may follow
  closed,  ///< its half of the connection has ended
  broken,  ///< it did what the table does not allow
};

enum class CycleEvent : std::uint8_t {
  head,       ///< a head with a body to follow
  head_only,  ///< a head that is a whole message
  piece,      ///< a part of the body
  complete,   ///< the end of the body
  must_close, ///< its message was the last of this connection
  next,       ///< the cycle is over on both sides
  ended,      ///< its half of the connection ended
};

enum class Side : std::uint8_t { request, response };

/// Where: one shard; two bytes.
class Cycle {
public:
  /// Moves one side. False when the table does not allow it; the side is then broken.
  bool on(Side side, CycleEvent event) noexcept;

  SideState state(Side side) const noexcept { return sides_[static_cast<std::size_t>(side)]; }
  bool complete(Side side) const noexcept {
    return state(side) == SideState::done || state(side) == SideState::closing;
  }
  /// Both messages are complete.
  bool over() const noexcept { return complete(Side::request) && complete(Side::response); }
  /// Over, and another cycle may follow on this connection.
  bool reusable() const noexcept {
    return state(Side::request) == SideState::done && state(Side::response) == SideState::done;
  }
  /// The response has not begun.
  bool unanswered() const noexcept { return state(Side::response) == SideState::idle; }

private:
  std::array<SideState, 2> sides_{SideState::idle, SideState::idle};
};

} // namespace ringfort::http
