#include "tls/base_aead.hpp"

#include <openssl/evp.h>

#include "tls/base_functions.hpp"

namespace ringfort::tls {

std::optional<BaseAead> BaseAead::behind(const evp_cipher_st* fetched) noexcept {
  const OSSL_PROVIDER* const provider = EVP_CIPHER_get0_provider(fetched);
  BaseAead found{.provider_context = OSSL_PROVIDER_get0_provider_ctx(provider)};
  const OSSL_DISPATCH* one = functions_of(provider, OSSL_OP_CIPHER, EVP_CIPHER_get0_name(fetched));
  for (; one != nullptr && one->function_id != 0; ++one) found.take_function(*one);
  return found.has_all() ? std::optional(found) : std::nullopt;
}

void BaseAead::take_function(const OSSL_DISPATCH& one) noexcept {
  switch (one.function_id) {
  case OSSL_FUNC_CIPHER_NEWCTX: make = OSSL_FUNC_cipher_newctx(&one); return;
  case OSSL_FUNC_CIPHER_FREECTX: release = OSSL_FUNC_cipher_freectx(&one); return;
  case OSSL_FUNC_CIPHER_ENCRYPT_INIT: begin_sealing = OSSL_FUNC_cipher_encrypt_init(&one); return;
  case OSSL_FUNC_CIPHER_DECRYPT_INIT: begin_opening = OSSL_FUNC_cipher_decrypt_init(&one); return;
  case OSSL_FUNC_CIPHER_UPDATE: update = OSSL_FUNC_cipher_update(&one); return;
  case OSSL_FUNC_CIPHER_FINAL: finish = OSSL_FUNC_cipher_final(&one); return;
  case OSSL_FUNC_CIPHER_GET_CTX_PARAMS: get = OSSL_FUNC_cipher_get_ctx_params(&one); return;
  case OSSL_FUNC_CIPHER_SET_CTX_PARAMS: set = OSSL_FUNC_cipher_set_ctx_params(&one); return;
  default: return;
  }
}

bool BaseAead::has_all() const noexcept {
  return make != nullptr && release != nullptr && begin_sealing != nullptr &&
         begin_opening != nullptr && update != nullptr && finish != nullptr && get != nullptr &&
         set != nullptr;
}

} // namespace ringfort::tls
