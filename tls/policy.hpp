// policy — which TLS a context speaks: versions, suites, groups, signatures, and what it refuses.
#pragma once

#include <string>

#include <ringfort/error.hpp>
#include <ringfort/tls.hpp>

struct ssl_ctx_st;

namespace ringfort::tls {

/// Errors: tls_context.no_usable_suite, .unknown_group, .unknown_signature.
Result<> use_policy(ssl_ctx_st* context, const ContextOptions& options);

/// What use_policy made of a context, read back from it where OpenSSL tells.
std::string text_of_policy(ssl_ctx_st* context, const ContextOptions& options);

} // namespace ringfort::tls
