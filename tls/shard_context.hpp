// shard_context — one shard's copy of a context: its own SSL_CTX in its own library context, with
// the certificates parsed again and the algorithms fetched once, so that shards share no lock and
// no reference count.
#pragma once

#include <memory>
#include <span>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>
#include <ringfort/tls.hpp>

#include "tls/suites.hpp"

struct bio_method_st;
struct evp_cipher_st;
struct evp_kdf_st;
struct ssl_ctx_st;

namespace ringfort::tls {

/// Where: one shard. No file is read after create().
class ShardContext {
public:
  /// Errors: as Context::create.
  static Result<std::unique_ptr<ShardContext>> create(const Context& context);
  ~ShardContext();

  ssl_ctx_st* ssl_context() const noexcept;
  bio_method_st* bio_method() const noexcept;
  evp_cipher_st* cipher(Aead aead) const noexcept;

  /// HKDF-Expand-Label with an empty context (RFC 8446 section 7.1).
  bool expand_label(const Suite& suite, Bytes secret, std::string_view label,
                    MutableBytes out) const noexcept;
  /// PRF(secret, label, seeds) of TLS 1.2 (RFC 5246 section 5).
  bool prf(const Suite& suite, Bytes secret, std::string_view label, Bytes seed,
           MutableBytes out) const noexcept;

private:
  struct Parts;
  explicit ShardContext(std::unique_ptr<Parts> parts) noexcept;

  std::unique_ptr<Parts> parts_;
};

} // namespace ringfort::tls
