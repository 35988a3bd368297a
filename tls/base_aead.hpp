// base_aead — an AEAD as OpenSSL's own provider offers it (provider-cipher(7)). Included only by
// what calls its functions.
#pragma once

#include <optional>

#include <openssl/core_dispatch.h>

struct evp_cipher_st;

namespace ringfort::tls {

/// Where: one shard.
struct BaseAead {
  /// What is behind a cipher that was fetched, and has to outlive it.
  static std::optional<BaseAead> behind(const evp_cipher_st* fetched) noexcept;

  void* provider_context;
  OSSL_FUNC_cipher_newctx_fn* make = nullptr;
  OSSL_FUNC_cipher_freectx_fn* release = nullptr;
  OSSL_FUNC_cipher_encrypt_init_fn* begin_sealing = nullptr;
  OSSL_FUNC_cipher_decrypt_init_fn* begin_opening = nullptr;
  OSSL_FUNC_cipher_update_fn* update = nullptr;
  OSSL_FUNC_cipher_final_fn* finish = nullptr;
  OSSL_FUNC_cipher_get_ctx_params_fn* get = nullptr;
  OSSL_FUNC_cipher_set_ctx_params_fn* set = nullptr;

private:
  void take_function(const OSSL_DISPATCH& one) noexcept;
  bool has_all() const noexcept;
};

} // namespace ringfort::tls
