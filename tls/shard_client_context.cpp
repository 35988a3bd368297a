#include "tls/shard_client_context.hpp"

#include "tls/client_session.hpp"
#include "tls/openssl.hpp"
#include "tls/policy.hpp"
#include "tls/server_verification.hpp"

namespace ringfort::tls {

Result<SslContext> make_ssl_context(OSSL_LIB_CTX* library,
                                    const ClientContext::Description& description) {
  const ErrorQueueGuard guard;
  const ClientContextOptions& options = description.options;
  SslContext made{SSL_CTX_new_ex(library, nullptr, TLS_client_method()), SSL_CTX_free};
  if (made == nullptr) return fail(Code::tls_context_no_memory);
  if (auto used = use_policy(made.get(), options); !used) return std::unexpected(used.error());
  ClientSession::observe(made.get(), options.key_log);
  if (options.identity) {
    if (auto used = use_identity(library, made.get(), *options.identity); !used) {
      return std::unexpected(used.error());
    }
  }
  if (auto used = use_verification(library, made.get(), description); !used) {
    return std::unexpected(used.error());
  }
  return made;
}

Result<std::unique_ptr<ShardClientContext>>
ShardClientContext::create(const Library& library, const ClientContext& context) {
  auto made = make_ssl_context(library.context(), context.description());
  if (!made) return std::unexpected(made.error());
  return std::unique_ptr<ShardClientContext>(new ShardClientContext(context, std::move(*made)));
}

} // namespace ringfort::tls
