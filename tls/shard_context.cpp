#include "tls/shard_context.hpp"

#include <openssl/sslerr.h>

#include "tls/client_certificates.hpp"
#include "tls/identity.hpp"
#include "tls/policy.hpp"
#include "tls/session.hpp"
#include "tls/ticket_binding.hpp"

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

} // namespace

ShardContext::ShardContext(const Library& library, SslContext ssl_context) noexcept
    : library_(library), ssl_context_(std::move(ssl_context)) {
  SSL_CTX_set_app_data(ssl_context_.get(), this);
}

const ShardContext& ShardContext::of(const ssl_st* ssl) noexcept {
  return *static_cast<const ShardContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

void ShardContext::take_over(ssl_st* ssl) const noexcept {
  SSL_CTX* context = ssl_context_.get();
  SSL_set_SSL_CTX(ssl, context);
  SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(context));
  SSL_clear_options(ssl, SSL_OP_NO_TICKET);
  SSL_set_options(ssl, SSL_CTX_get_options(context));
  ask_as(ssl, context);
}

Result<std::unique_ptr<ShardContext>>
ShardContext::create(const Library& library, const Context& context, std::string_view entry) {
  const ContextOptions& options = context.options();
  const ErrorQueueGuard guard;
  SslContext owner{SSL_CTX_new_ex(library.context(), nullptr, TLS_server_method()), SSL_CTX_free};
  SSL_CTX* ssl_context = owner.get();
  if (ssl_context == nullptr) return fail(Code::tls_context_no_memory);
  if (auto used = use_policy(ssl_context, options); !used) {
    return std::unexpected(used.error());
  }
  Session::observe(ssl_context);
  for (const Identity& identity : options.identities) {
    if (auto used = use_identity(library.context(), ssl_context, identity); !used) {
      return std::unexpected(used.error());
    }
  }
  auto asked = use_clients(library.context(), ssl_context, options.clients);
  if (!asked) return std::unexpected(asked.error());
  const auto binding = ticket_binding_of(ssl_context, options, entry);
  if (!binding) return std::unexpected(binding.error());
  if (auto used = Tickets::install(ssl_context, *binding, options.ticket_lifetime); !used) {
    return std::unexpected(used.error());
  }
  std::unique_ptr<ShardContext> made(new ShardContext(library, std::move(owner)));
  made->tickets_ =
      std::make_unique<Tickets>(library, *options.ticket_keys, *binding, options.ticket_lifetime);
  made->key_log_ = options.key_log;
  return made;
}

} // namespace ringfort::tls
