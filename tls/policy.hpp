// policy — which TLS a context speaks: versions, suites, groups, signatures, and what it refuses.
#pragma once

#include <string>

#include <ringfort/error.hpp>
#include <ringfort/tls.hpp>

#include "tls/client_context.hpp"

struct ssl_ctx_st;

namespace ringfort::tls {

/// Errors: tls_context.no_usable_suite, .unknown_group, .unknown_signature, .no_memory.
Result<> use_policy(ssl_ctx_st* context, const ContextOptions& options);
Result<> use_policy(ssl_ctx_st* context, const ClientContextOptions& options);

/// What use_policy made of a context, read back from it where OpenSSL tells, and whom it believes.
std::string text_of_policy(ssl_ctx_st* context, const ContextOptions& options);
std::string text_of_policy(ssl_ctx_st* context, const ClientContext::Description& description);

} // namespace ringfort::tls
