// end — one end of OpenSSL's over memory: what it wants sent is taken, what arrives is given, and
// nothing else moves it.
#pragma once

#include <string>
#include <string_view>

#include <ringfort/bytes.hpp>
#include <ringfort/tls.hpp>

#include "tests/peer/openssl.hpp"

namespace ringfort::peer {

struct EndOptions {
  int version_min = TLS1_2_VERSION;
  int version_max = TLS1_3_VERSION;
  std::string suites = {}; ///< one name or several, of either version; empty: OpenSSL's own choice
  std::string groups = {};
  std::string signatures = {}; ///< algorithms accepted; empty: OpenSSL's own choice
  std::string trusted_pem =
      {}; ///< what to verify the other against, who is asked; empty: nobody is
  const tls::Identity* identity = nullptr; ///< its own; a client shows it when it is asked for
};

class End {
public:
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  /// Moves on with the bytes that came; `received()` and `outgoing` grow.
  void deliver(Bytes bytes);
  void deliver(std::string_view text) { deliver(bytes_of(text)); }
  /// Network bytes to bring to the other end.
  std::string take_outgoing();
  void write(std::string_view text);
  /// TLS 1.3, once the handshake is over. `answered`: asks for the other's update too.
  void update_keys(bool answered);
  /// TLS 1.2: asks for another handshake.
  void renegotiate();
  void close();

  bool secured() const noexcept { return SSL_is_init_finished(ssl_.get()) == 1; }
  const std::string& received() const noexcept { return received_; }
  /// The other end's close_notify came.
  bool closed() const noexcept {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  /// OpenSSL's reason; empty while all is well.
  const std::string& failure() const noexcept { return failure_; }
  /// The common name of the other's certificate; empty before it came.
  std::string peer_subject() const;
  SSL* ssl() noexcept { return ssl_.get(); }

protected:
  End(const SSL_METHOD* method, const EndOptions& options);
  ~End() = default;

  SSL_CTX* context() noexcept { return context_.get(); }
  /// With the context as it is now.
  SSL* begin();
  void move_on();
  const SSL* ssl() const noexcept { return ssl_.get(); }

private:
  void check(int result);

  SslContextOwner context_;
  SslOwner ssl_;
  std::string received_;
  std::string failure_;
};

} // namespace ringfort::peer
