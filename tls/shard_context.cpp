#include "tls/shard_context.hpp"

#include "tls/client_certificates.hpp"
#include "tls/handshake.hpp"
#include "tls/openssl.hpp"
#include "tls/policy.hpp"
#include "tls/ticket_binding.hpp"

namespace ringfort::tls {

Result<SslContext> make_ssl_context(OSSL_LIB_CTX* library, const Context& context) {
  const ErrorQueueGuard guard;
  const ContextOptions& options = context.options();
  SslContext made{SSL_CTX_new_ex(library, nullptr, TLS_server_method()), SSL_CTX_free};
  if (made == nullptr) return fail(Code::tls_context_no_memory);
  if (auto used = use_policy(made.get(), options); !used) return std::unexpected(used.error());
  Handshake::observe(made.get(), options.key_log);
  for (const Identity& identity : options.identities) {
    if (auto used = use_identity(library, made.get(), identity); !used) {
      return std::unexpected(used.error());
    }
  }
  if (auto asked = use_clients(library, made.get(), options.clients); !asked) {
    return std::unexpected(asked.error());
  }
  return made;
}

Result<std::unique_ptr<ShardContext>>
ShardContext::create(const Library& library, const Context& context, std::string_view entry) {
  const ErrorQueueGuard guard;
  const ContextOptions& options = context.options();
  auto ssl_context = make_ssl_context(library.context(), context);
  if (!ssl_context) return std::unexpected(ssl_context.error());
  const auto binding = ticket_binding_of(ssl_context->get(), options, entry);
  if (!binding) return std::unexpected(binding.error());
  if (auto used = Tickets::install(ssl_context->get(), *binding, options.ticket_lifetime); !used) {
    return std::unexpected(used.error());
  }
  std::unique_ptr<ShardContext> made(new ShardContext(std::move(*ssl_context)));
  made->tickets_ =
      std::make_unique<Tickets>(library, *options.ticket_keys, *binding, options.ticket_lifetime);
  return made;
}

} // namespace ringfort::tls
