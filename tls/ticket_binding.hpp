// ticket_binding — what the sessions of a context are bound to, as one digest.
#pragma once

#include <string_view>

#include <ringfort/error.hpp>
#include <ringfort/tls.hpp>

#include "tls/tickets.hpp"

struct ssl_ctx_st;

namespace ringfort::tls {

/// `context` has its certificates already. Errors: tls_context.no_memory.
Result<TicketBinding> ticket_binding_of(ssl_ctx_st* context, const ContextOptions& options,
                                        std::string_view entry);

} // namespace ringfort::tls
