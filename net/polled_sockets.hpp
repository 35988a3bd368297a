// polled_sockets — the sockets of a library that does its own reading and writing: the ring tells
// it when they are ready.
#pragma once

#include <cstdint>
#include <deque>

#include "engine/loop.hpp"

namespace ringfort::net {

/// Where: one shard. Immovable until none() is true.
class PolledSockets {
public:
  /// `descriptor` can be read, written, or both; an error counts as either.
  using Ready = void (*)(void* owner, int descriptor, bool readable, bool writable) noexcept;

  PolledSockets(engine::Loop& loop, void* owner, Ready ready) noexcept
      : loop_(loop), owner_(owner), ready_(ready) {}
  PolledSockets(const PolledSockets&) = delete;
  PolledSockets& operator=(const PolledSockets&) = delete;

  /// Tells of `events` (poll(2)) on the socket until it is called again; 0: the socket is about to
  /// be closed.
  void watch(int descriptor, std::uint32_t events) noexcept;
  /// No poll is under way.
  bool none() const noexcept { return leases_.none(); }

private:
  /// One socket, and the poll of it or of the one that was here before.
  struct Place {
    explicit Place(PolledSockets& sockets) noexcept;

    PolledSockets& owner;
    int descriptor = -1; ///< -1: nobody's
    std::uint32_t events = 0;
    engine::Op op;
  };

  Place& place_of(int descriptor) noexcept;
  void arm(Place& place) noexcept;
  void on_polled(Place& place, engine::Completion completion) noexcept;

  engine::Loop& loop_;
  void* owner_;
  Ready ready_;
  engine::Leases leases_;
  std::deque<Place> places_; ///< as many as there have been at one time
};

} // namespace ringfort::net
