// passthrough — connections that are not opened here: of a client's hello, which is in clear, only
// what it asks for is read (SNI and ALPN, RFC 6066 section 3 and RFC 7301), and every byte of it
// and of what follows goes to a server as it came, and back.
//
// Both directions are coupled by credits, and end each by itself: a FIN is passed on as one, a
// reset as one.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <ringfort/balance.hpp>
#include <ringfort/client.hpp>

namespace ringfort {

/// How a server is told who its client is, before anything else on a connection: by a PROXY header
/// (HAProxy's proxy-protocol.txt), which it has to expect.
enum class ProxyHeader : std::uint8_t {
  none,
  v1, ///< in words: addresses and ports
  v2, ///< and what is known of TLS
};

/// Where hellos of a name go.
struct PassthroughRoute {
  /// A host name, or "*." and one for any label before it. Empty: every name that nothing else
  /// serves, no route and no context of its own, and hellos without one.
  std::string name = {};
  /// Only hellos that offer one of these (ALPN); empty: all.
  std::vector<std::string> protocols = {};
  /// 1..64, by their host and port, or their unix_path. One that takes no connection is passed
  /// over, as long as there is another one.
  std::vector<Destination> servers = {};
};

/// Errors of Engine::serve name these by position.
struct PassthroughOptions {
  /// A name may be there again for other protocols: the first that fits has the connection. Of
  /// names an exact one goes before a wildcard, and that before the empty one.
  std::vector<PassthroughRoute> routes = {};
  ProxyHeader header = ProxyHeader::none;
  Balance balance = Balance::round_robin; ///< not target_hash: targets are not seen
  /// As GatewayOptions has them.
  std::uint32_t failures_max = 3;
  std::chrono::milliseconds ejection_time{10'000};
  std::chrono::milliseconds resolve_timeout{5'000};
  std::chrono::milliseconds connect_timeout{10'000}; ///< for all addresses of a server together
  std::chrono::milliseconds slow_start{0};           ///< as GatewayOptions has it
};

} // namespace ringfort
