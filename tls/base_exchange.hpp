// base_exchange — a key exchange that OpenSSL's own provider offers, as ours stand on it: its keys
// stay its own, and what is given a provider's context, or a generation's, is called through us.
// Included only by those.
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include "tls/provider_context.hpp"

namespace ringfort::tls {

/// Where: one shard.
struct BaseExchange {
  const OSSL_PROVIDER* provider; ///< the base
  void* context;                 ///< its own

  // Its functions that are called here.
  OSSL_FUNC_keymgmt_new_fn* new_key = nullptr;
  OSSL_FUNC_keymgmt_free_fn* free_key = nullptr;
  OSSL_FUNC_keymgmt_import_fn* import = nullptr;
  OSSL_FUNC_keymgmt_gen_init_fn* begin_generation = nullptr;
  OSSL_FUNC_keymgmt_gen_set_template_fn* set_template = nullptr; ///< not every key type has it
  OSSL_FUNC_keymgmt_gen_set_params_fn* set_parameters = nullptr;
  OSSL_FUNC_keymgmt_gen_settable_params_fn* settable_parameters = nullptr;
  OSSL_FUNC_keymgmt_gen_fn* generate = nullptr;
  OSSL_FUNC_keymgmt_gen_cleanup_fn* end_generation = nullptr;
  OSSL_FUNC_keyexch_newctx_fn* new_exchange = nullptr;
  OSSL_FUNC_keyexch_init_fn* use_key = nullptr;
  OSSL_FUNC_keyexch_set_peer_fn* use_peer = nullptr;
  OSSL_FUNC_keyexch_derive_fn* agree = nullptr;
  OSSL_FUNC_keyexch_freectx_fn* free_exchange = nullptr;

  // What is offered in its place (provider-keymgmt(7), provider-keyexch(7)).
  std::vector<OSSL_DISPATCH> key_functions;
  std::vector<OSSL_DISPATCH> exchange_functions;

  /// What `base`, which has to stay loaded, offers under these names.
  BaseExchange(const OSSL_PROVIDER* base, std::string_view key_type, std::string_view exchange);
  BaseExchange(const BaseExchange&) = delete;
  BaseExchange& operator=(const BaseExchange&) = delete;

  bool has_all() const noexcept;
  /// Adds what is ours, and ends both lists.
  void complete(std::initializer_list<OSSL_DISPATCH> own_key_functions,
                const OSSL_DISPATCH& own_new_exchange);
  /// Tells groups of TLS as the base tells them (provider-base(7), "TLS-GROUP"), those that
  /// `is_offered` says, by their id: the libssl of OpenSSL 3.0 takes a group only from the provider
  /// of its keys. False, if telling was refused.
  bool tell_groups(bool (*is_offered)(unsigned id), OSSL_CALLBACK* told,
                   void* argument) const noexcept;

private:
  void take_key_function(const OSSL_DISPATCH& one);
  void take_exchange_function(const OSSL_DISPATCH& one);
};

/// A key's generation under way, and the base's own.
struct BaseGeneration {
  const BaseExchange& of;
  void* base;
  int selection;
};

/// The functions that only find the base. `Of` has it of a ProviderContext.
template <const BaseExchange& (*Of)(const ProviderContext&)>
struct BaseCallbacks {
  static const BaseExchange& of(void* provider) noexcept {
    return Of(*static_cast<ProviderContext*>(provider));
  }

  static void* new_key(void* provider) noexcept {
    return of(provider).new_key(of(provider).context);
  }

  static void* begin(void* provider, int selection, const OSSL_PARAM parameters[]) noexcept {
    const BaseExchange& base = of(provider);
    auto made = std::make_unique<BaseGeneration>(
        base, base.begin_generation(base.context, selection, parameters), selection);
    return made->base == nullptr ? nullptr : made.release();
  }

  static void end(void* generation) noexcept {
    const std::unique_ptr<BaseGeneration> ended(static_cast<BaseGeneration*>(generation));
    if (ended != nullptr) ended->of.end_generation(ended->base);
  }

  static void* new_exchange(void* provider) noexcept {
    return of(provider).new_exchange(of(provider).context);
  }
};

/// Completes what is offered with `Own`'s of(), set_parameters(), settable_parameters() and
/// generate(), and with `more`.
template <class Own>
void complete(BaseExchange& exchange, std::initializer_list<OSSL_DISPATCH> more = {}) {
  using Found = BaseCallbacks<Own::of>;
  exchange.key_functions.insert(exchange.key_functions.end(), more);
  exchange.complete({entry(OSSL_FUNC_KEYMGMT_NEW, Found::new_key),
                     entry(OSSL_FUNC_KEYMGMT_GEN_INIT, Found::begin),
                     entry(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, Own::set_parameters),
                     entry(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, Own::settable_parameters),
                     entry(OSSL_FUNC_KEYMGMT_GEN, Own::generate),
                     entry(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, Found::end)},
                    entry(OSSL_FUNC_KEYEXCH_NEWCTX, Found::new_exchange));
}

} // namespace ringfort::tls
