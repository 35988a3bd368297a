// proxy_header — for whom a proxy speaks, in the first bytes of its connection (HAProxy's
// proxy-protocol.txt, versions 1 and 2): read of who is believed, and written for servers behind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>
#include <ringfort/passthrough.hpp>

#include "engine/socket_address.hpp"

namespace ringfort::net {

/// Of version 2, with addresses and whatever else is told: as many as a first segment holds for
/// certain. Version 1 has its own bound, 107.
inline constexpr std::size_t proxy_header_bytes_max = 536;

/// The two ends of a client's connection.
struct ConnectionEnds {
  engine::SocketAddress source;
  engine::SocketAddress destination;
};

/// What a proxy says.
struct ProxyClaim {
  std::size_t bytes = 0; ///< of the header; 0: more has to arrive
  /// Nothing: the proxy speaks for itself, or does not know; the connection's own ends count.
  std::optional<ConnectionEnds> ends = {};
};

/// Reads the header at the front of `input`. What is neither version's beginning, or can no longer
/// become it, is missing. Of what version 2 tells besides the addresses only a checksum counts.
/// Errors: proxy_header.missing, .malformed, .oversized, .bad_checksum.
Result<ProxyClaim> read_proxy_header(Bytes input) noexcept;

/// A header that comes in pieces.
class ProxyHeaderReader {
public:
  struct Progress {
    std::size_t consumed_bytes = 0; ///< of the input; what follows them is not the header's
    std::optional<ProxyClaim> claim = {};
  };

  /// Errors: as read_proxy_header.
  Result<Progress> receive(Bytes input) noexcept;
  bool begun() const noexcept { return gathered_bytes_ > 0; }

private:
  std::size_t gathered_bytes_ = 0;
  std::array<std::byte, proxy_header_bytes_max> gathered_;
};

/// What a server behind is told of TLS between the client and this hop.
struct ProxyTls {
  std::string_view version; ///< "TLSv1.3"
  std::string_view suite;
  bool shows_certificate = false;
  bool believed = false;
  std::string_view common_name = {}; ///< of the client's certificate
};

struct ProxyStatement {
  ConnectionEnds ends = {};          ///< not set: this hop speaks for itself
  std::string_view protocol = {};    ///< ALPN; empty: not known
  std::string_view server_name = {}; ///< SNI; empty: none
  std::optional<ProxyTls> tls = {};
};

/// Writes a header in `room`, of proxy_header_bytes_max, and answers its length. Texts that do not
/// fit any more are left out. Version 1 has the addresses alone.
std::size_t write_proxy_header(MutableBytes room, ProxyHeader version,
                               const ProxyStatement& statement) noexcept;

} // namespace ringfort::net
