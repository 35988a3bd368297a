#include "tls/base_algorithms.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>

namespace ringfort::tls {

const OSSL_DISPATCH* functions_of(const OSSL_PROVIDER* provider, int operation,
                                  std::string_view name) noexcept {
  int no_cache = 0;
  const OSSL_ALGORITHM* offered = OSSL_PROVIDER_query_operation(provider, operation, &no_cache);
  for (; offered != nullptr && offered->algorithm_names != nullptr; ++offered) {
    const std::string_view names(offered->algorithm_names);
    if (names.substr(0, names.find(':')) == name) return offered->implementation;
  }
  return nullptr;
}

bool tell_groups(const OSSL_PROVIDER* provider, bool (*is_offered)(unsigned id),
                 OSSL_CALLBACK* told, void* argument) noexcept {
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
