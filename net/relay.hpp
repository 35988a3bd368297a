// relay — bytes from each of two transports to the other, as they come: each direction waits, and
// ends, by itself.
#pragma once

#include <optional>

#include <ringfort/error.hpp>

#include "net/transport.hpp"

namespace ringfort::net {

/// Where: one shard, that of both transports.
class Relay {
public:
  /// `credit_bytes`: what waits to be sent, either way, before the other side's bytes wait too.
  /// Borrow: both transports, past their handshakes, for the relay's life.
  Relay(Transport& one, Transport& other, std::size_t credit_bytes) noexcept
      : there_{one, other}, back_{other, one}, credit_bytes_(credit_bytes) {}

  /// Moves what can be moved now, the ends of the two streams too. After anything that either of
  /// the transports may have told.
  /// Errors: as Transport::receive and send. A peer's end without close_notify is passed on as an
  ///         end: whoever speaks through the relay says for themselves how theirs looks.
  /// Cost:   one copy, or seal, of each byte.
  Result<> move() noexcept;
  /// Both directions have come to their ends, and are sent.
  bool over() const noexcept { return there_.sent_end && back_.sent_end; }
  /// One has.
  bool ending() const noexcept { return there_.sent_end || back_.sent_end; }
  /// Something moves as soon as bytes were sent.
  bool waits_for_sent() const noexcept { return there_.waits || back_.waits; }

private:
  struct Direction {
    Transport& from;
    Transport& to;
    bool ended = false;
    bool sent_end = false;
    bool waits = false; ///< for room, or for the last bytes to be gone
  };

  Result<> move(Direction& direction) noexcept;
  static void end(Direction& direction) noexcept;

  Direction there_;
  Direction back_;
  std::size_t credit_bytes_;
};

} // namespace ringfort::net
