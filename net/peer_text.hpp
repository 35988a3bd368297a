// peer_text — an address in words, for as long as an exchange or a call lasts.
#pragma once

#include <string_view>

#include <ringfort/arena.hpp>

#include "engine/socket_address.hpp"

namespace ringfort::net {

/// Borrow: the arena. Empty when it has no room.
inline std::string_view peer_text(const engine::SocketAddress& peer, Arena& arena) noexcept {
  engine::SocketAddress::Text room;
  return arena.copy(peer.write_text(room)).value_or("");
}

/// "192.0.2.1:443" without the port, "[::1]:443" without port and brackets.
inline std::string_view host_of_peer(std::string_view peer) noexcept {
  const std::string_view host = peer.substr(0, peer.rfind(':'));
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

} // namespace ringfort::net
