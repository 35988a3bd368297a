// connection — a blocking end of a connection on loopback, in clear text or, a client's, over TLS.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tests/peer/client.hpp"

namespace ringfort::surface {

class Connection {
public:
  explicit Connection(std::uint16_t port);
  /// The same over TLS; the handshake is made by the first send().
  Connection(std::uint16_t port, const peer::ClientOptions& options);
  /// A server's end. Owns the descriptor.
  static Connection of(int accepted) { return Connection(Accepted{accepted}); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// Moves the handshake on without waiting, for a server on this very thread. True: it is over.
  bool handshake_step();
  void send(std::string_view text);
  /// As it is, before the handshake too.
  void send_in_clear(std::string_view bytes);
  /// One byte, urgent (tcp(7)).
  void send_urgent(char byte);
  /// FIN; the other direction goes on.
  void end_sending();
  /// Plaintext until `text` was seen, or the end. Takes it away from what is read later.
  std::string read_until(std::string_view text);
  std::string read_bytes(std::size_t bytes);
  std::string read_to_end();
  /// Until the other end has gone, without reading what it sends.
  void wait_for_end();
  void reset();
  /// Reads to the end, and whether that was a reset.
  bool was_reset();
  /// Over TLS: the common name of the server's certificate.
  std::string peer_subject() const { return tls_->peer_subject(); }

private:
  struct Accepted {
    int descriptor;
  };

  explicit Connection(Accepted end);
  void flush();
  bool receive();

  int descriptor_;
  std::unique_ptr<peer::Client> tls_;
  std::string text_;
};

} // namespace ringfort::surface
