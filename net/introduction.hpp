// introduction — what a server behind a gateway is told of an exchange's client, before anything
// else on a connection of that client's own.
#pragma once

#include <string>
#include <string_view>

#include <ringfort/client.hpp>
#include <ringfort/passthrough.hpp>

#include "net/exchange_state.hpp"

namespace ringfort::net {

/// The same server, by connections that no other client has, and that begin with a PROXY header.
/// Allocates. `version` is not none.
Destination introduced(const Destination& server, ExchangeState& exchange, ProxyHeader version);

/// The same server, told that nobody else speaks.
Destination introduced_alone(const Destination& server, ProxyHeader version);

/// The CN of a subject as RFC 4514 writes it; empty when it has none. Allocates.
std::string common_name_of(std::string_view subject);

} // namespace ringfort::net
