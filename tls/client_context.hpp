// client_context — what a public tls::ClientContext holds: the checked options, and what they made.
#pragma once

#include <string>
#include <vector>

#include <ringfort/client_tls.hpp>

#include "tls/pins.hpp"

namespace ringfort::tls {

struct ClientContext::Description {
  ClientContextOptions options; ///< the identity's key decrypted, without a pass phrase
  std::string machine_pem;      ///< this machine's authorities, when no others are given
  std::vector<Pin> pins;
  std::string policy;
};

} // namespace ringfort::tls
