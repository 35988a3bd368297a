#include "tls/base_exchange.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "tls/base_functions.hpp"

namespace ringfort::tls {

BaseExchange::BaseExchange(const OSSL_PROVIDER* base, std::string_view key_type,
                           std::string_view exchange)
    : provider(base), context(OSSL_PROVIDER_get0_provider_ctx(base)) {
  const OSSL_DISPATCH* one = functions_of(base, OSSL_OP_KEYMGMT, key_type);
  for (; one != nullptr && one->function_id != 0; ++one) take_key_function(*one);
  one = functions_of(base, OSSL_OP_KEYEXCH, exchange);
  for (; one != nullptr && one->function_id != 0; ++one) take_exchange_function(*one);
}

/// Passes on what takes a key; what takes a provider or a generation is called through us, and what
/// we do not know is left out. (The lists of parameters that a key has take a provider too, and are
/// the same for every one.)
void BaseExchange::take_key_function(const OSSL_DISPATCH& one) {
  switch (one.function_id) {
  case OSSL_FUNC_KEYMGMT_NEW: new_key = OSSL_FUNC_keymgmt_new(&one); return;
  case OSSL_FUNC_KEYMGMT_GEN_INIT: begin_generation = OSSL_FUNC_keymgmt_gen_init(&one); return;
  case OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE:
    set_template = OSSL_FUNC_keymgmt_gen_set_template(&one);
    return;
  case OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS:
    set_parameters = OSSL_FUNC_keymgmt_gen_set_params(&one);
    return;
  case OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS:
    settable_parameters = OSSL_FUNC_keymgmt_gen_settable_params(&one);
    return;
  case OSSL_FUNC_KEYMGMT_GEN: generate = OSSL_FUNC_keymgmt_gen(&one); return;
  case OSSL_FUNC_KEYMGMT_GEN_CLEANUP: end_generation = OSSL_FUNC_keymgmt_gen_cleanup(&one); return;
  case OSSL_FUNC_KEYMGMT_FREE: free_key = OSSL_FUNC_keymgmt_free(&one); break;
  case OSSL_FUNC_KEYMGMT_IMPORT: import = OSSL_FUNC_keymgmt_import(&one); break;
  case OSSL_FUNC_KEYMGMT_LOAD:
  case OSSL_FUNC_KEYMGMT_GET_PARAMS:
  case OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS:
  case OSSL_FUNC_KEYMGMT_SET_PARAMS:
  case OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS:
  case OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME:
  case OSSL_FUNC_KEYMGMT_HAS:
  case OSSL_FUNC_KEYMGMT_VALIDATE:
  case OSSL_FUNC_KEYMGMT_MATCH:
  case OSSL_FUNC_KEYMGMT_IMPORT_TYPES:
  case OSSL_FUNC_KEYMGMT_EXPORT:
  case OSSL_FUNC_KEYMGMT_EXPORT_TYPES:
  case OSSL_FUNC_KEYMGMT_DUP: break;
  default: return;
  }
  key_functions.push_back(one);
}

void BaseExchange::take_exchange_function(const OSSL_DISPATCH& one) {
  switch (one.function_id) {
  case OSSL_FUNC_KEYEXCH_NEWCTX: new_exchange = OSSL_FUNC_keyexch_newctx(&one); return;
  case OSSL_FUNC_KEYEXCH_INIT: use_key = OSSL_FUNC_keyexch_init(&one); break;
  case OSSL_FUNC_KEYEXCH_SET_PEER: use_peer = OSSL_FUNC_keyexch_set_peer(&one); break;
  case OSSL_FUNC_KEYEXCH_DERIVE: agree = OSSL_FUNC_keyexch_derive(&one); break;
  case OSSL_FUNC_KEYEXCH_FREECTX: free_exchange = OSSL_FUNC_keyexch_freectx(&one); break;
  default: break;
  }
  exchange_functions.push_back(one);
}

bool BaseExchange::has_all() const noexcept {
  return new_key != nullptr && free_key != nullptr && import != nullptr &&
         begin_generation != nullptr && set_parameters != nullptr &&
         settable_parameters != nullptr && generate != nullptr && end_generation != nullptr &&
         new_exchange != nullptr && use_key != nullptr && use_peer != nullptr && agree != nullptr &&
         free_exchange != nullptr;
}

void BaseExchange::complete(std::initializer_list<OSSL_DISPATCH> own_key_functions,
                            const OSSL_DISPATCH& own_new_exchange) {
  key_functions.insert(key_functions.end(), own_key_functions);
  key_functions.push_back({0, nullptr});
  exchange_functions.push_back(own_new_exchange);
  exchange_functions.push_back({0, nullptr});
}

bool BaseExchange::tell_groups(bool (*is_offered)(unsigned id), OSSL_CALLBACK* told,
                               void* argument) const noexcept {
  struct Listener {
    bool (*is_offered)(unsigned id);
    OSSL_CALLBACK* told;
    void* argument;
  } listener{is_offered, told, argument};
  const auto filter = [](const OSSL_PARAM parameters[], void* of) {
    const Listener& to = *static_cast<Listener*>(of);
    const OSSL_PARAM* group = OSSL_PARAM_locate_const(parameters, OSSL_CAPABILITY_TLS_GROUP_ID);
    unsigned id = 0;
    const bool is_told =
        group != nullptr && OSSL_PARAM_get_uint(group, &id) == 1 && to.is_offered(id);
    return is_told ? to.told(parameters, to.argument) : 1;
  };
  return OSSL_PROVIDER_get_capabilities(provider, "TLS-GROUP", filter, &listener) == 1;
}

} // namespace ringfort::tls
