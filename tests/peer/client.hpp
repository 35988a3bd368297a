// client — a TLS client of OpenSSL's over memory: what it wants sent is taken, what arrives is
// given, and nothing else moves it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ringfort/bytes.hpp>
#include <ringfort/tls.hpp>

#include "tests/peer/openssl.hpp"

namespace ringfort::peer {

struct ClientOptions {
  int version_min = TLS1_2_VERSION;
  int version_max = TLS1_3_VERSION;
  std::string suites; ///< one name or several, of either version; empty: OpenSSL's own choice
  std::string groups;
  std::string signatures; ///< algorithms accepted; empty: OpenSSL's own choice
  std::vector<std::string> protocols{"http/1.1"}; ///< ALPN; empty: not offered
  std::string server_name = "localhost";
  std::string trusted_pem; ///< what to verify against; empty: nothing is verified
  SSL_SESSION* session = nullptr;
  const tls::Identity* identity = nullptr; ///< the client's own, shown when it is asked for
};

class Client {
public:
  explicit Client(const ClientOptions& options = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Moves on with the bytes that came; `received()` and `outgoing` grow.
  void deliver(Bytes bytes);
  /// Network bytes to bring to the server.
  std::string take_outgoing();
  void write(std::string_view text);
  /// TLS 1.3, once the handshake is over. `answered`: asks for the server's update too.
  void update_keys(bool answered);
  /// TLS 1.2: asks for another handshake.
  void renegotiate();
  void close();

  bool secured() const noexcept { return SSL_is_init_finished(ssl_.get()) == 1; }
  const std::string& received() const noexcept { return received_; }
  /// What was received since the last call. Borrow: until more is.
  std::string_view news() noexcept {
    return std::string_view(received_).substr(std::exchange(told_bytes_, received_.size()));
  }
  /// The server's close_notify came.
  bool closed() const noexcept {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  /// OpenSSL's reason; empty while all is well.
  const std::string& failure() const noexcept { return failure_; }
  /// The common name of the server's certificate; empty before it came.
  std::string server_subject() const;
  /// Tickets that the server sent so far.
  const std::vector<SslSessionOwner>& sessions() const noexcept { return sessions_; }
  SSL* ssl() noexcept { return ssl_.get(); }

private:
  void move_on();
  void check(int result);
  static int on_session(SSL* ssl, SSL_SESSION* session);

  SslContextOwner context_;
  SslOwner ssl_;
  std::string received_;
  std::size_t told_bytes_ = 0;
  std::string failure_;
  std::vector<SslSessionOwner> sessions_;
};

} // namespace ringfort::peer
