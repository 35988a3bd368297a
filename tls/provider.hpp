// provider — what stands in for OpenSSL's own, in one library context: the key schedule of TLS
// 1.3, the PRF of TLS 1.2, HMAC, the generation of X25519 keys, and ECDH. OpenSSL calls it as it
// calls its own (provider(7)), and the rest stays OpenSSL's.
#pragma once

#include <memory>

#include <ringfort/error.hpp>

#include "tls/key_schedule.hpp"

struct ossl_lib_ctx_st;
struct ossl_provider_st;

namespace ringfort::tls {

struct ProviderContext;

/// Where: one shard.
class Provider {
public:
  /// Every handshake of this library context is served from here on.
  /// Errors: tls_context.no_memory.
  static Result<Provider> install(ossl_lib_ctx_st* context);

  KeySchedule& key_schedule() const noexcept;

private:
  using Loaded = std::unique_ptr<ossl_provider_st, void (*)(ossl_provider_st*)>;

  static Loaded load(ossl_lib_ctx_st* context, const char* name) noexcept;

  Loaded default_{nullptr, nullptr};
  Loaded own_{nullptr, nullptr};
  ProviderContext* context_ = nullptr; ///< own_'s
};

} // namespace ringfort::tls
