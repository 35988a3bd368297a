// ssl_context — OpenSSL's object of a context, a server's or a client's, and who it says it is.
#pragma once

#include <memory>

#include <ringfort/error.hpp>
#include <ringfort/tls.hpp>

struct ossl_lib_ctx_st;
struct ssl_ctx_st;

namespace ringfort::tls {

using SslContext = std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)>;

/// Shows it, to servers or to clients. Null `library`: the process's own.
/// Errors: as parse_identity(), and tls_context.too_weak.
Result<> use_identity(ossl_lib_ctx_st* library, ssl_ctx_st* context, const Identity& identity);

} // namespace ringfort::tls
