// client — a TLS client of OpenSSL's over memory.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/peer/end.hpp"

namespace ringfort::peer {

struct ClientOptions : EndOptions {
  std::vector<std::string> protocols{"http/1.1"}; ///< ALPN; empty: not offered
  std::string server_name = "localhost";
  SSL_SESSION* session = nullptr;
};

class Client : public End {
public:
  explicit Client(const ClientOptions& options = {});

  /// What was received since the last call. Borrow: until more is.
  std::string_view news() noexcept {
    return std::string_view(received()).substr(std::exchange(told_bytes_, received().size()));
  }
  /// Tickets that the server sent so far.
  const std::vector<SslSessionOwner>& sessions() const noexcept { return sessions_; }

private:
  static int on_session(SSL* ssl, SSL_SESSION* session);

  std::size_t told_bytes_ = 0;
  std::vector<SslSessionOwner> sessions_;
};

} // namespace ringfort::peer
