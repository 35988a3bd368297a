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

/// Nothing of a request has gone to that server, and another one may do better.
bool may_pass_over(Phase reached, Code code) noexcept;

} // namespace ringfort::net
