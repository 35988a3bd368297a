// connection_report — what one living connection is doing: a plain value, for a person who looks at
// a running engine.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <ringfort/records.hpp>

namespace ringfort {

/// Where a connection stands.
enum class ConnectionStage : std::uint8_t {
  proxy_header, ///< is awaited
  handshake,    ///< TLS is being settled
  waiting,      ///< for its turn at the handshake
  idle,         ///< between two requests
  head,         ///< a request head has begun
  body,         ///< of a request, is being read
  handler,      ///< has the request
  tunnel,       ///< another protocol is spoken
  passthrough,  ///< to a server, unopened
  ending,       ///< what is queued goes out, then our end
  lingering,    ///< our end is out, the peer's is awaited
  stopping,     ///< the kernel gives its operations back
};
std::string_view name_of(ConnectionStage stage) noexcept; ///< "handshake"

struct ConnectionReport {
  std::uint64_t id = 0; ///< slot and generation, as in Error::connection
  unsigned shard = 0;
  std::string peer;  ///< "192.0.2.1:50312"
  std::string proxy; ///< that told the peer: see ConnectionFacts
  ConnectionStage stage = ConnectionStage::idle;
  std::chrono::nanoseconds age{0}; ///< since it was accepted
  std::uint64_t requests = 0;      ///< heads received
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;   ///< accepted by the kernel
  std::uint64_t held_bytes = 0;   ///< of the receive credit: received and not used
  std::uint64_t queued_bytes = 0; ///< of the send credit: not accepted by the kernel yet

  // Of TLS, from the end of the handshake on; empty texts before it, and without TLS.
  bool encrypted = false;
  std::string_view version; ///< "TLSv1.3"; static storage, as the suite
  std::string_view suite;
  std::string protocol;    ///< ALPN
  std::string server_name; ///< SNI
  /// Of the client's certificate, "CN=..."; empty without one. It may be bytes of the client's
  /// choice: escape it before it is shown.
  std::string client_subject = {};
  std::string client_verdict = {}; ///< "ok", or why it is not believed: CERT_HAS_EXPIRED, ...
  bool resumed = false;
  std::uint64_t generation = 0; ///< of tls::LiveNames that it shook hands under
  RecordLayer send_records = RecordLayer::user;
  RecordLayer receive_records = RecordLayer::user;

  /// Who has the connection that is passed through, "10.0.0.9:443"; empty while nobody has.
  std::string server = {};
};

} // namespace ringfort
