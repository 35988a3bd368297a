#include "tls/provider.hpp"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>

#include "tls/mac.hpp"
#include "tls/openssl.hpp"
#include "tls/provider_context.hpp"

namespace ringfort::tls {

namespace {

constexpr char name[] = "ringfort";
constexpr char property[] = "provider=ringfort";
constexpr char preference[] = "?provider=ringfort"; // If there is a choice.

const OSSL_ALGORITHM* query(void* context, int operation, int* no_cache) noexcept {
  const ProviderContext& self = *static_cast<ProviderContext*>(context);
  *no_cache = 0;
  switch (operation) {
  case OSSL_OP_KDF: return self.derivations.data();
  case OSSL_OP_MAC: return self.macs.data();
  case OSSL_OP_KEYMGMT: return self.keys.data();
  case OSSL_OP_KEYEXCH: return self.exchanges.data();
  default: return nullptr;
  }
}

int tell_capabilities(void* context, const char* capability, OSSL_CALLBACK* told,
                      void* argument) noexcept {
  const ProviderContext& self = *static_cast<ProviderContext*>(context);
  if (std::string_view(capability) != "TLS-GROUP") return 1;
  const bool said = (!self.x25519 || self.x25519->tell_groups(told, argument)) &&
                    (!self.ecdh || self.ecdh->tell_groups(told, argument));
  return said ? 1 : 0;
}

void tear_down(void* context) noexcept {
  const std::unique_ptr<ProviderContext> ended(static_cast<ProviderContext*>(context));
}

int initialise(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions,
               void** context) noexcept {
  static const OSSL_DISPATCH own[] = {
      entry(OSSL_FUNC_PROVIDER_TEARDOWN, tear_down),
      entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
      entry(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, tell_capabilities),
      {0, nullptr},
  };
  *functions = own;
  *context = std::make_unique<ProviderContext>().release();
  return 1;
}

OSSL_ALGORITHM offered(const char* names, const OSSL_DISPATCH* functions) noexcept {
  return {names, property, functions, nullptr};
}

} // namespace

Result<Provider> Provider::install(OSSL_LIB_CTX* context) {
  Provider made;
  // With a provider added, OpenSSL no longer loads its own by itself.
  made.default_ = load(context, "default");
  if (OSSL_PROVIDER_add_builtin(context, name, initialise) != 1) {
    return fail(Code::tls_context_no_memory);
  }
  made.own_ = load(context, name);
  if (made.default_ == nullptr || made.own_ == nullptr) return fail(Code::tls_context_no_memory);
  made.context_ = static_cast<ProviderContext*>(OSSL_PROVIDER_get0_provider_ctx(made.own_.get()));
  // Nothing was asked of it yet, so all this is in time.
  ProviderContext& own = *made.context_;
  own.library = context;
  own.key_schedule = KeySchedule::create(context);
  own.x25519 = X25519::create(context, made.default_.get());
  own.ecdh = Ecdh::create(made.default_.get());
  if (!own.key_schedule) return fail(Code::tls_context_no_memory);
  own.derivations[0] = offered(OSSL_KDF_NAME_TLS1_3_KDF, KeySchedule::functions());
  own.derivations[1] = offered(OSSL_KDF_NAME_TLS1_PRF, Prf::functions());
  own.macs[0] = offered(OSSL_MAC_NAME_HMAC, hmac_functions());
  if (own.x25519) {
    own.keys[0] = offered(X25519::names, own.x25519->key_functions());
    own.exchanges[0] = offered(X25519::names, own.x25519->exchange_functions());
  }
  if (own.ecdh) {
    const std::size_t at = own.x25519 ? 1 : 0;
    own.keys[at] = offered(Ecdh::key_names, own.ecdh->key_functions());
    own.exchanges[at] = offered(Ecdh::exchange_names, own.ecdh->exchange_functions());
  }
  if (EVP_set_default_properties(context, preference) != 1) {
    return fail(Code::tls_context_no_memory);
  }
  return made;
}

Provider::Loaded Provider::load(OSSL_LIB_CTX* context, const char* which) noexcept {
  return {OSSL_PROVIDER_load(context, which),
          [](OSSL_PROVIDER* one) { OSSL_PROVIDER_unload(one); }};
}

KeySchedule& Provider::key_schedule() const noexcept { return *context_->key_schedule; }

} // namespace ringfort::tls
