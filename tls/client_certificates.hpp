// client_certificates — a context asks its clients who they are.
#pragma once

#include <memory>

#include <ringfort/certificate.hpp>
#include <ringfort/error.hpp>
#include <ringfort/tls.hpp>

struct ossl_lib_ctx_st;
struct ssl_ctx_st;
struct ssl_st;

namespace ringfort::tls {

/// Errors: tls_context.junk_authority, .junk_revocation_list, .no_client_authority, .no_memory;
///         config.invalid for a depth out of range, and for authorities when nobody is asked.
Result<> use_clients(ossl_lib_ctx_st* library, ssl_ctx_st* context,
                     const ClientCertificates& clients);

/// What the client showed, now or when its session began; null when that was nothing.
std::unique_ptr<ClientCertificate> client_certificate_of(const ssl_st* ssl);

/// "required, 2 authorities, 1 revocation list, depth 3"
std::string text_of_clients(const ClientCertificates& clients);

} // namespace ringfort::tls
