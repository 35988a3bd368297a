// peer_text — addresses in words: a peer's, for as long as an exchange or a call lasts, and a host
// with its port.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <ringfort/arena.hpp>

#include "engine/socket_address.hpp"

namespace ringfort::net {

/// Borrow: the arena. Empty when it has no room.
inline std::string_view peer_text(const engine::SocketAddress& peer, Arena& arena) noexcept {
  engine::SocketAddress::Text room;
  return arena.copy(peer.write_text(room)).value_or("");
}

/// An address in words, written when it is first asked for, and told with each request.
class KeptText {
public:
  /// Borrow: this object, until forget().
  std::string_view of(const engine::SocketAddress& address) noexcept {
    if (bytes_ == 0) bytes_ = static_cast<std::uint8_t>(address.write_text(room_).size());
    return {room_.data(), bytes_};
  }
  /// The address has changed.
  void forget() noexcept { bytes_ = 0; }

private:
  engine::SocketAddress::Text room_;
  std::uint8_t bytes_ = 0;
};

/// "a.example:443", "[::1]:443". Allocates.
inline std::string host_and_port(const std::string& host, std::uint16_t port) {
  return (host.contains(':') ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

/// "192.0.2.1:443" without the port, "[::1]:443" without port and brackets.
inline std::string_view host_of_peer(std::string_view peer) noexcept {
  const std::string_view host = peer.substr(0, peer.rfind(':'));
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

} // namespace ringfort::net
