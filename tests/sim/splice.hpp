// splice — a connection that the engine makes to a listener of its own simulated world: a link for
// each end, and the network between them, which carries bytes, FIN and RST from one to the other.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/socket_address.hpp"
#include "tests/sim/link.hpp"
#include "tests/sim/world.hpp"

namespace ringfort::sim {

/// Made by World::set_out().
class Splice final : public Peer {
public:
  enum class State : std::uint8_t { under_way, connected, refused };

  /// Sets out for `address`; its world's knobs decide how that ends.
  Splice(World& world, const engine::SocketAddress& address);

  void act() override;
  State state() const noexcept { return state_; }
  /// The end of whoever connected.
  Link& near() noexcept { return near_; }
  /// The socket is closed before it heard of a connection.
  void give_up();

private:
  /// What has left one end and has not come to the other.
  struct Way {
    Link& from;
    Link& to;
    std::size_t left_bytes; ///< then both ends are reset
    std::vector<std::byte> under_way = {};
    bool ended = false;
  };

  void arrive();
  std::size_t draw_left_bytes();
  static void relay(Way& way);
  static void take(Way& way);
  static void reset(Way& way);

  World& world_;
  engine::SocketAddress address_;
  Link near_;
  Link* far_ = nullptr; ///< the listener's side
  State state_ = State::under_way;
  bool given_up_ = false;
  std::vector<Way> ways_; ///< both, once there are two ends
};

} // namespace ringfort::sim
