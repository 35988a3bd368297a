#include "tls/mac.hpp"

#include <string_view>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "tls/hmac.hpp"
#include "tls/openssl.hpp"
#include "tls/provider_context.hpp"

namespace ringfort::tls {

namespace {

/// EVP_MAC_CTX's own.
struct Mac {
  ProviderContext& provider;
  MdOwner fetched{}; ///< another digest than a suite's
  const EVP_MD* digest = nullptr;
  Hmac hmac{};
  bool has_key = false;
  DigestContext work = make_digest_context();

  bool use_digest(const OSSL_PARAM& name, const char* properties) noexcept;
};

bool Mac::use_digest(const OSSL_PARAM& name, const char* properties) noexcept {
  const char* text = nullptr;
  if (OSSL_PARAM_get_utf8_string_ptr(&name, &text) != 1) return false;
  has_key = false;
  digest = provider.key_schedule->digest(text);
  if (digest != nullptr) return true;
  fetched.reset(EVP_MD_fetch(provider.library, text, properties));
  digest = fetched.get();
  return digest != nullptr;
}

int set_parameters(void* context, const OSSL_PARAM parameters[]) noexcept {
  Mac& self = *static_cast<Mac*>(context);
  const OSSL_PARAM* digest = nullptr;
  const OSSL_PARAM* key = nullptr;
  const char* properties = nullptr;
  for (const OSSL_PARAM* one = parameters; one != nullptr && one->key != nullptr; ++one) {
    const std::string_view name(one->key);
    if (name == OSSL_MAC_PARAM_DIGEST) digest = one;
    if (name == OSSL_MAC_PARAM_KEY) key = one;
    if (name == OSSL_MAC_PARAM_PROPERTIES) OSSL_PARAM_get_utf8_string_ptr(one, &properties);
    if (name == OSSL_MAC_PARAM_TLS_DATA_SIZE) return 0; // MAC-then-encrypt: no suite of ours.
  }
  if (digest != nullptr && !self.use_digest(*digest, properties)) return 0;
  if (key == nullptr) return 1;
  if (self.digest == nullptr || key->data_type != OSSL_PARAM_OCTET_STRING) return 0;
  self.has_key =
      self.hmac.use(self.digest, {static_cast<const std::byte*>(key->data), key->data_size}) &&
      self.hmac.begin(self.work.get());
  return self.has_key ? 1 : 0;
}

void* make(void* provider) noexcept {
  auto made = std::make_unique<Mac>(*static_cast<ProviderContext*>(provider));
  return made->hmac && made->work != nullptr ? made.release() : nullptr;
}

void free_mac(void* context) noexcept {
  const std::unique_ptr<Mac> ended(static_cast<Mac*>(context));
}

void* duplicate(void* context) noexcept {
  const Mac& self = *static_cast<Mac*>(context);
  auto made = std::make_unique<Mac>(self.provider);
  made->digest = self.digest;
  if (self.fetched != nullptr) {
    EVP_MD_up_ref(self.fetched.get());
    made->fetched.reset(self.fetched.get());
  }
  made->has_key = self.has_key;
  if (self.has_key) made->hmac = self.hmac.copy();
  const bool copied = made->hmac && made->work != nullptr &&
                      (!self.has_key || EVP_MD_CTX_copy_ex(made->work.get(), self.work.get()) == 1);
  return copied ? made.release() : nullptr;
}

/// Without a key it begins anew with the one that there is.
int begin(void* context, const unsigned char* key, std::size_t key_bytes,
          const OSSL_PARAM parameters[]) noexcept {
  Mac& self = *static_cast<Mac*>(context);
  if (set_parameters(context, parameters) != 1) return 0;
  if (key != nullptr) {
    self.has_key = self.digest != nullptr &&
                   self.hmac.use(self.digest, {reinterpret_cast<const std::byte*>(key), key_bytes});
  }
  return self.has_key && self.hmac.begin(self.work.get()) ? 1 : 0;
}

int update(void* context, const unsigned char* data, std::size_t bytes) noexcept {
  Mac& self = *static_cast<Mac*>(context);
  return self.has_key ? EVP_DigestUpdate(self.work.get(), data, bytes) : 0;
}

int finish(void* context, unsigned char* out, std::size_t* bytes, std::size_t room) noexcept {
  Mac& self = *static_cast<Mac*>(context);
  if (!self.has_key || !self.hmac.end(self.work.get(), {reinterpret_cast<std::byte*>(out), room})) {
    return 0;
  }
  *bytes = static_cast<std::size_t>(EVP_MD_get_size(self.digest));
  return 1;
}

int get_parameters(void* context, OSSL_PARAM parameters[]) noexcept {
  const Mac& self = *static_cast<Mac*>(context);
  const auto tell = [&](const char* name, int (*size_of)(const EVP_MD*)) {
    OSSL_PARAM* asked = OSSL_PARAM_locate(parameters, name);
    if (asked == nullptr) return true;
    if (self.digest == nullptr) return false;
    return OSSL_PARAM_set_size_t(asked, static_cast<std::size_t>(size_of(self.digest))) == 1;
  };
  const bool told = tell(OSSL_MAC_PARAM_SIZE, EVP_MD_get_size) &&
                    tell(OSSL_MAC_PARAM_BLOCK_SIZE, EVP_MD_get_block_size);
  return told ? 1 : 0;
}

const OSSL_PARAM* gettable(void*, void*) noexcept {
  static const OSSL_PARAM known[] = {OSSL_PARAM_size_t(OSSL_MAC_PARAM_SIZE, nullptr),
                                     OSSL_PARAM_size_t(OSSL_MAC_PARAM_BLOCK_SIZE, nullptr),
                                     OSSL_PARAM_END};
  return known;
}

const OSSL_PARAM* settable(void*, void*) noexcept {
  static const OSSL_PARAM known[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, nullptr, 0),
                                     OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_PROPERTIES, nullptr, 0),
                                     OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, nullptr, 0),
                                     OSSL_PARAM_END};
  return known;
}

} // namespace

const OSSL_DISPATCH* hmac_functions() noexcept {
  static const OSSL_DISPATCH functions[] = {
      entry(OSSL_FUNC_MAC_NEWCTX, make),
      entry(OSSL_FUNC_MAC_FREECTX, free_mac),
      entry(OSSL_FUNC_MAC_DUPCTX, duplicate),
      entry(OSSL_FUNC_MAC_INIT, begin),
      entry(OSSL_FUNC_MAC_UPDATE, update),
      entry(OSSL_FUNC_MAC_FINAL, finish),
      entry(OSSL_FUNC_MAC_GET_CTX_PARAMS, get_parameters),
      entry(OSSL_FUNC_MAC_GETTABLE_CTX_PARAMS, gettable),
      entry(OSSL_FUNC_MAC_SET_CTX_PARAMS, set_parameters),
      entry(OSSL_FUNC_MAC_SETTABLE_CTX_PARAMS, settable),
      {0, nullptr},
  };
  return functions;
}

} // namespace ringfort::tls
