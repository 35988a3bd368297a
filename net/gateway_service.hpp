// gateway_service — what a shard answers with what other servers answer.
#pragma once

#include <memory>

#include <ringfort/service.hpp>

#include "net/gateway_plan.hpp"
#include "net/serving_shard.hpp"

namespace ringfort::net {

/// Borrow: the plan and the shard, for its life. Errors: as Client::create.
Result<std::unique_ptr<Service>> make_gateway_service(GatewayPlan& plan, ServingShard& shard);

} // namespace ringfort::net
