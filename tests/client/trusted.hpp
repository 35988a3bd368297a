// trusted — an authority and what it has issued for localhost.
#pragma once

#include <utility>

#include <ringfort/client_tls.hpp>
#include <ringfort/tls.hpp>

#include "tests/peer/authority.hpp"

namespace ringfort::client {

struct Trusted {
  peer::Authority authority{"calls"};

  tls::Identity identity() const {
    return authority.issue(
        {.subject = "localhost", .names = "DNS:localhost,IP:127.0.0.1", .purpose = "serverAuth"});
  }
  /// What believes it.
  tls::ClientContext believed() const {
    tls::ClientContextOptions options;
    options.authorities_pem = authority.pem();
    return *tls::ClientContext::create(std::move(options));
  }
  tls::Context context() const {
    tls::ContextOptions options;
    options.identities = {identity()};
    return *tls::Context::create(std::move(options));
  }
};

} // namespace ringfort::client
