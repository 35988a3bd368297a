// connection — a blocking client on loopback, in clear text or over TLS.
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
  /// The same, with a handshake.
  Connection(std::uint16_t port, const peer::ClientOptions& options);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// The handshake, where the constructor did not: for a server on this very thread.
  bool handshake_step();
  void send(std::string_view text);
  /// Plaintext until `text` was seen, or the end. Takes it away from what is read later.
  std::string read_until(std::string_view text);
  std::string read_bytes(std::size_t bytes);
  std::string read_to_end();
  void finish();
  void reset();

private:
  void flush();
  bool receive();

  int descriptor_;
  std::unique_ptr<peer::Client> tls_;
  std::size_t taken_bytes_ = 0; ///< of the TLS client's plaintext
  std::string text_;
};

} // namespace ringfort::surface
