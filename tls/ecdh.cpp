#include "tls/ecdh.hpp"

#include <vector>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>

#include "tls/base_algorithms.hpp"
#include "tls/provider_context.hpp"

namespace ringfort::tls {

struct Ecdh::Parts {
  const OSSL_PROVIDER* provider; ///< the base
  void* base;                    ///< its context

  OSSL_FUNC_keymgmt_new_fn* new_key = nullptr;
  OSSL_FUNC_keymgmt_gen_init_fn* begin_generation = nullptr;
  OSSL_FUNC_keyexch_newctx_fn* new_exchange = nullptr;

  std::vector<OSSL_DISPATCH> key_functions;
  std::vector<OSSL_DISPATCH> exchange_functions;

  explicit Parts(const OSSL_PROVIDER* base_) noexcept
      : provider(base_), base(OSSL_PROVIDER_get0_provider_ctx(base_)) {}

  void take_key_function(const OSSL_DISPATCH& one);
  void take_exchange_function(const OSSL_DISPATCH& one);
};

/// What takes a provider's context is called through us, with the base's.
struct EcdhCallbacks {
  static const Ecdh::Parts& of(void* provider) noexcept {
    return *static_cast<ProviderContext*>(provider)->ecdh->parts_;
  }
  static void* new_key(void* provider) noexcept { return of(provider).new_key(of(provider).base); }
  static void* begin_generation(void* provider, int selection,
                                const OSSL_PARAM parameters[]) noexcept {
    return of(provider).begin_generation(of(provider).base, selection, parameters);
  }
  static void* new_exchange(void* provider) noexcept {
    return of(provider).new_exchange(of(provider).base);
  }
};

/// Without a function to validate keys OpenSSL takes each that could be made for valid
/// (provider-keymgmt(7)). Lists of parameters take a provider too, and are the same for every one.
void Ecdh::Parts::take_key_function(const OSSL_DISPATCH& one) {
  switch (one.function_id) {
  case OSSL_FUNC_KEYMGMT_VALIDATE: return;
  case OSSL_FUNC_KEYMGMT_NEW:
    new_key = OSSL_FUNC_keymgmt_new(&one);
    key_functions.push_back(entry(one.function_id, EcdhCallbacks::new_key));
    return;
  case OSSL_FUNC_KEYMGMT_GEN_INIT:
    begin_generation = OSSL_FUNC_keymgmt_gen_init(&one);
    key_functions.push_back(entry(one.function_id, EcdhCallbacks::begin_generation));
    return;
  default: key_functions.push_back(one);
  }
}

void Ecdh::Parts::take_exchange_function(const OSSL_DISPATCH& one) {
  if (one.function_id != OSSL_FUNC_KEYEXCH_NEWCTX) return exchange_functions.push_back(one);
  new_exchange = OSSL_FUNC_keyexch_newctx(&one);
  exchange_functions.push_back(entry(one.function_id, EcdhCallbacks::new_exchange));
}

Ecdh::Ecdh(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Ecdh::Ecdh(Ecdh&&) noexcept = default;
Ecdh& Ecdh::operator=(Ecdh&&) noexcept = default;
Ecdh::~Ecdh() = default;

std::optional<Ecdh> Ecdh::create(OSSL_PROVIDER* base) {
  auto parts = std::make_unique<Parts>(base);
  const OSSL_DISPATCH* keys = functions_of(base, OSSL_OP_KEYMGMT, "EC");
  for (; keys != nullptr && keys->function_id != 0; ++keys) parts->take_key_function(*keys);
  const OSSL_DISPATCH* exchanges = functions_of(base, OSSL_OP_KEYEXCH, "ECDH");
  for (; exchanges != nullptr && exchanges->function_id != 0; ++exchanges) {
    parts->take_exchange_function(*exchanges);
  }
  const bool has_all = parts->new_key != nullptr && parts->begin_generation != nullptr &&
                       parts->new_exchange != nullptr;
  if (!has_all) return std::nullopt;
  parts->key_functions.push_back({0, nullptr});
  parts->exchange_functions.push_back({0, nullptr});
  return Ecdh(std::move(parts));
}

bool Ecdh::tell_groups(OSSL_CALLBACK* told, void* argument) const noexcept {
  // The curves over prime fields (RFC 4492 section 5.1.1), brainpool's among them (RFC 7027, RFC
  // 8734). The binary ones, 1 to 14, are those that policy refuses.
  constexpr auto is_offered = [](unsigned id) {
    return (id >= 15 && id <= 28) || (id >= 31 && id <= 33);
  };
  return tls::tell_groups(parts_->provider, is_offered, told, argument);
}

const OSSL_DISPATCH* Ecdh::key_functions() const noexcept { return parts_->key_functions.data(); }

const OSSL_DISPATCH* Ecdh::exchange_functions() const noexcept {
  return parts_->exchange_functions.data();
}

} // namespace ringfort::tls
