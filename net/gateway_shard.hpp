// gateway_shard — what a shard has of its gateway, and who looks after the servers behind it.
#pragma once

#include <memory>

#include <ringfort/task.hpp>

#include "net/gateway_plan.hpp"
#include "net/serving_shard.hpp"
#include "net/upstreams.hpp"

namespace ringfort::net {

/// Where: one shard. Immovable while an errand looks after its servers.
struct GatewayShard {
  GatewayShard(GatewayPlan& one, ServingShard& of)
      : plan(one), shard(of), upstreams(one.options, one.board) {}
  GatewayShard(const GatewayShard&) = delete;
  GatewayShard& operator=(const GatewayShard&) = delete;

  /// Makes the clients, and begins to ask after the servers. Errors: as Client::create.
  Result<> start();

  const GatewayPlan& plan;
  ServingShard& shard;
  std::unique_ptr<Client> client;
  std::unique_ptr<Client> checker; ///< null when nobody asks
  Upstreams upstreams;
};

} // namespace ringfort::net
