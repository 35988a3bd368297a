// shard_context — one shard's copy of a context: its own SSL_CTX in the shard's own library, with
// the certificates parsed again, so that shards share no lock and no reference count.
#pragma once

#include <memory>

#include <ringfort/error.hpp>
#include <ringfort/tls.hpp>

#include "tls/library.hpp"
#include "tls/ssl_context.hpp"
#include "tls/tickets.hpp"

struct ssl_ctx_st;

namespace ringfort::tls {

/// What the context describes, as OpenSSL's object. Null `library`: the process's own.
/// Errors: as Context::create.
Result<SslContext> make_ssl_context(ossl_lib_ctx_st* library, const Context& context);

/// Where: one shard. No file is read after create().
class ShardContext {
public:
  /// `entry` is the name under which the context is served, as it is written in the listener's
  /// map, empty for the default: sessions of one entry are unknown at every other.
  /// Borrow: `library` for the context's life and that of its sessions.
  /// Errors: as Context::create.
  static Result<std::unique_ptr<ShardContext>>
  create(const Library& library, const Context& context, std::string_view entry = {});
  ShardContext(const ShardContext&) = delete;
  ShardContext& operator=(const ShardContext&) = delete;

  ssl_ctx_st* ssl_context() const noexcept { return ssl_context_.get(); }
  Tickets& tickets() const noexcept { return *tickets_; }

private:
  explicit ShardContext(SslContext ssl_context) noexcept : ssl_context_(std::move(ssl_context)) {}

  SslContext ssl_context_;
  std::unique_ptr<Tickets> tickets_;
};

} // namespace ringfort::tls
