// server_verification — whether a server is the one that was meant: its chain, its name, its pins.
#pragma once

#include <string_view>

#include <ringfort/error.hpp>

#include "tls/client_context.hpp"

struct ossl_lib_ctx_st;
struct ssl_ctx_st;
struct ssl_st;

namespace ringfort::tls {

/// Believes those that the description names. Borrow: `description` for the context's life.
/// Errors: tls_context.junk_authority, .no_system_authorities, .junk_revocation_list, .no_memory.
Result<> use_verification(ossl_lib_ctx_st* library, ssl_ctx_st* context,
                          const ClientContext::Description& description);

/// The server has to prove this name, or this IP address, by its subjectAltName; false, if it is
/// neither. The zone of an address is nobody's to prove (RFC 6874).
bool demand_name(ssl_st* ssl, std::string_view name);

} // namespace ringfort::tls
