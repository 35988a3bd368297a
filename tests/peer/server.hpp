// server — a TLS server of OpenSSL's over memory.
#pragma once

#include <string>

#include "tests/peer/end.hpp"

namespace ringfort::peer {

struct ServerOptions : EndOptions {
  std::string protocol = "http/1.1"; ///< selected, whatever is offered; empty: none is
  unsigned tickets = 2;              ///< of TLS 1.3; all servers take each other's
};

class Server : public End {
public:
  explicit Server(const ServerOptions& options);

  /// As it was sent; empty when none was.
  std::string server_name() const;
  bool resumed() const noexcept { return SSL_session_reused(ssl()) == 1; }

private:
  std::string protocol_;
};

} // namespace ringfort::peer
