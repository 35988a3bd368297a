// onward — a message as it goes on to the next hop: without what ends here, and with what this hop
// has to say.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <ringfort/client.hpp>
#include <ringfort/exchange.hpp>

#include "net/gateway_plan.hpp"

namespace ringfort::net {

/// The request of an exchange, for its upstream. Views as long as the exchange.
/// Errors: handler.no_memory.
Result<Request> onward_request(Exchange& exchange, const GatewayPlan& plan) noexcept;

/// The fields of an answer, for the client, in the exchange's arena. Errors: handler.no_memory.
Result<std::span<const Field>> onward_fields(Exchange& exchange, const Response& response,
                                             const GatewayPlan& plan) noexcept;

/// The length that an answer says, whether its body follows or not, as with HEAD.
std::optional<std::uint64_t> announced_length(const Response& response) noexcept;

/// Trailers that may go on, in the exchange's arena; none when that has no room.
std::span<const Field> onward_trailers(Exchange& exchange, Fields trailers) noexcept;

} // namespace ringfort::net
