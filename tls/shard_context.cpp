#include "tls/shard_context.hpp"

#include <openssl/sslerr.h>

#include "tls/context.hpp"
#include "tls/identity.hpp"
#include "tls/policy.hpp"
#include "tls/session.hpp"

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

Result<> use_tickets(SSL_CTX* context, const Context::Description& description) {
  static constexpr unsigned char session_context[] = "ringfort";
  SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
  auto keys = description.ticket_keys; // OpenSSL's macro wants it writable.
  if (SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), keys.size()) != 1) {
    return fail(Code::tls_context_no_memory);
  }
  return {};
}

} // namespace

Result<SslContext> make_ssl_context(OSSL_LIB_CTX* library, const Context& context) {
  const ErrorQueueGuard guard;
  SslContext made{SSL_CTX_new_ex(library, nullptr, TLS_server_method()), SSL_CTX_free};
  if (made == nullptr) return fail(Code::tls_context_no_memory);
  if (auto used = use_policy(made.get(), context.options()); !used) {
    return std::unexpected(used.error());
  }
  if (auto used = use_tickets(made.get(), context.description()); !used) {
    return std::unexpected(used.error());
  }
  Session::observe(made.get());
  for (const Identity& identity : context.options().identities) {
    if (auto used = use_identity(library, made.get(), identity); !used) {
      return std::unexpected(used.error());
    }
  }
  return made;
}

Result<std::unique_ptr<ShardContext>> ShardContext::create(const Library& library,
                                                           const Context& context) {
  auto made = make_ssl_context(library.context(), context);
  if (!made) return std::unexpected(made.error());
  return std::unique_ptr<ShardContext>(new ShardContext(std::move(*made)));
}

} // namespace ringfort::tls
