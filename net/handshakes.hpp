// handshakes — which of a shard's handshakes do a costly step in this turn, and which wait for it.
//
// A step is costly when asymmetric work is in it: a key share, a signature, a chain to verify. A
// step that is asked for runs at the end of the turn, when live connections have been served and
// their answers are under way, and no more than `steps_max` of them do: the others wait, first in,
// first out. Who has begun goes before who has not, because only its end makes room.
#pragma once

#include <cstdint>

#include <ringfort/check.hpp>

#include "engine/counter.hpp"

namespace ringfort::net {

/// A connection's place among its shard's handshakes. Living inside its owner.
class HandshakePlace {
public:
  using Run = void (*)(void* owner) noexcept;

  /// `take_step` is called when the step may be taken, at once; `park` when it waits for a later
  /// turn. Neither is called before ask() or after leave().
  HandshakePlace(void* owner, Run take_step, Run park) noexcept
      : owner_(owner), take_step_(take_step), park_(park) {}
  HandshakePlace(const HandshakePlace&) = delete;
  HandshakePlace& operator=(const HandshakePlace&) = delete;
  ~HandshakePlace() { RINGFORT_CHECK(!begun_ && !waits_); }

  /// A step was taken: the handshake is OpenSSL's, and not over.
  bool begun() const noexcept { return begun_; }

private:
  friend class Handshakes;

  void* owner_;
  Run take_step_;
  Run park_;
  HandshakePlace* next_ = nullptr;
  HandshakePlace* previous_ = nullptr;
  std::uint64_t asked_turn_ = 0;
  bool begun_ = false;
  bool waits_ = false;
};

/// Where: one shard; the counters may be read from any thread.
class Handshakes {
public:
  /// `begun_max` handshakes at OpenSSL at a time, `steps_max` costly steps in a turn: 1 or more.
  Handshakes(std::uint32_t begun_max, std::uint32_t steps_max) noexcept
      : begun_max_(begun_max), steps_max_(steps_max) {}
  Handshakes(const Handshakes&) = delete;
  Handshakes& operator=(const Handshakes&) = delete;

  /// The next step is costly. Asked for again while it waits: nothing happens.
  /// Cost: none; the queue is made of the places.
  void ask(HandshakePlace& place) noexcept;
  /// The handshake is over, or its connection is, whether it waits or not.
  void leave(HandshakePlace& place) noexcept;

  bool waiting() const noexcept { return waiting_ > 0; }
  /// Somebody waits for a turn and for nothing else: the next turn must not sleep.
  bool runnable() const noexcept {
    return going_on_.head != nullptr || (beginning_.head != nullptr && begun_ < begun_max_);
  }
  /// The turn's costly steps. Who then still waits, and did not before, is parked.
  void run() noexcept;

  std::uint64_t begun_count() const noexcept { return begun_; }
  std::uint64_t waiting_count() const noexcept { return waiting_; }
  std::uint64_t waiting_peak() const noexcept { return waiting_peak_; } ///< at the end of a turn
  std::uint64_t step_count() const noexcept { return steps_; }
  std::uint64_t deferred_count() const noexcept { return deferred_; } ///< steps that were parked

private:
  struct List {
    HandshakePlace* head = nullptr;
    HandshakePlace* tail = nullptr;
  };

  List& list_of(const HandshakePlace& place) noexcept {
    return place.begun_ ? going_on_ : beginning_;
  }
  void unlink(HandshakePlace& place) noexcept;
  void take_step(HandshakePlace& place) noexcept;
  void park_new(const List& list) noexcept;

  std::uint32_t begun_max_;
  std::uint32_t steps_max_;
  std::uint64_t turn_ = 0;
  List beginning_;
  List going_on_;
  engine::Counter begun_;
  engine::Counter waiting_;
  engine::Counter waiting_peak_;
  engine::Counter steps_;
  engine::Counter deferred_;
};

} // namespace ringfort::net
