// gateway_failure — what a gateway answers when a server behind it does not.
#pragma once

#include <string_view>

#include <ringfort/client.hpp>
#include <ringfort/error.hpp>

namespace ringfort::net {

struct GatewayFailure {
  int status;
  std::string_view type; ///< of RFC 9209 section 2.3
};

GatewayFailure gateway_failure(Code code) noexcept;

/// The server is the one to blame, and nothing of the request has gone to it: another one may do
/// better.
bool takes_no_connection(Phase reached, Code code) noexcept;

} // namespace ringfort::net
