// shard_client_context — one shard's copy of a client's context: its own SSL_CTX in the shard's own
// library, with the authorities parsed again, and the sessions that servers gave to it.
#pragma once

#include <memory>

#include <ringfort/client_tls.hpp>
#include <ringfort/error.hpp>

#include "tls/client_context.hpp"
#include "tls/client_sessions.hpp"
#include "tls/library.hpp"
#include "tls/ssl_context.hpp"

namespace ringfort::tls {

/// What is described, as OpenSSL's object. Null `library`: the process's own.
/// Borrow: `description` for the object's life. Errors: as ClientContext::create.
Result<SslContext> make_ssl_context(ossl_lib_ctx_st* library,
                                    const ClientContext::Description& description);

/// Where: one shard. No file is read after create().
class ShardClientContext {
public:
  /// Borrow: `library` for the context's life and that of its sessions.
  /// Errors: as ClientContext::create.
  static Result<std::unique_ptr<ShardClientContext>> create(const Library& library,
                                                            const ClientContext& context);
  ShardClientContext(const ShardClientContext&) = delete;
  ShardClientContext& operator=(const ShardClientContext&) = delete;

  ssl_ctx_st* ssl_context() const noexcept { return ssl_context_.get(); }
  ClientSessions& sessions() noexcept { return sessions_; }

private:
  ShardClientContext(const ClientContext& context, SslContext ssl_context) noexcept
      : context_(context), ssl_context_(std::move(ssl_context)),
        sessions_(context.options().sessions_max) {}

  ClientContext context_; ///< whose description ssl_context_ borrows
  SslContext ssl_context_;
  ClientSessions sessions_;
};

} // namespace ringfort::tls
