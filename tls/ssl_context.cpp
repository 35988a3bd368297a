#include "tls/ssl_context.hpp"

#include <openssl/sslerr.h>

#include "tls/identity.hpp"

namespace ringfort::tls {

namespace {

Code code_of_refusal() noexcept {
  switch (ERR_GET_REASON(ERR_peek_error())) {
  case SSL_R_EE_KEY_TOO_SMALL:
  case SSL_R_CA_KEY_TOO_SMALL:
  case SSL_R_CA_MD_TOO_WEAK: return Code::tls_context_too_weak;
  default: return Code::tls_context_key_unusable;
  }
}

} // namespace

Result<> use_identity(OSSL_LIB_CTX* library, SSL_CTX* context, const Identity& identity) {
  auto parsed = parse_identity(library, identity);
  if (!parsed) return std::unexpected(parsed.error());
  ERR_clear_error();
  if (SSL_CTX_use_certificate(context, parsed->leaf.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, parsed->key.get()) != 1) {
    return fail(code_of_refusal());
  }
  for (CertificateOwner& issuer : parsed->issuers) {
    if (SSL_CTX_add0_chain_cert(context, issuer.get()) != 1) return fail(code_of_refusal());
    (void)issuer.release(); // The context owns it now.
  }
  return {};
}

} // namespace ringfort::tls
