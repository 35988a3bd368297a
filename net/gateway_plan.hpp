// gateway_plan — what the shards of one gateway share: settings that never change, and a board.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <ringfort/forwarded.hpp>
#include <ringfort/gateway.hpp>

#include "net/upstream_board.hpp"

namespace ringfort::net {

struct GatewayPlan {
  GatewayPlan(GatewayOptions chosen, TrustedProxies trusted)
      : options(std::move(chosen)), trusted_proxies(std::move(trusted)), via("1.1 " + options.name),
        via_old("1.0 " + options.name),
        board(std::make_shared<UpstreamBoard>(options.upstreams.size())) {}

  GatewayOptions options;
  TrustedProxies trusted_proxies;
  std::string via;
  std::string via_old; ///< of a message that came as HTTP/1.0
  std::shared_ptr<UpstreamBoard> board;
};

} // namespace ringfort::net
