// base_functions — what OpenSSL's own provider offers, as its functions. Included only by what
// calls or passes on these.
#pragma once

#include <string_view>

#include <openssl/core.h>
#include <openssl/provider.h>

namespace ringfort::tls {

/// What `provider` has for the algorithm whose first name is `name`; null if it has none.
inline const OSSL_DISPATCH* functions_of(const OSSL_PROVIDER* provider, int operation,
                                         std::string_view name) noexcept {
  int no_cache = 0;
  const OSSL_ALGORITHM* offered = OSSL_PROVIDER_query_operation(provider, operation, &no_cache);
  for (; offered != nullptr && offered->algorithm_names != nullptr; ++offered) {
    const std::string_view names(offered->algorithm_names);
    if (names.substr(0, names.find(':')) == name) return offered->implementation;
  }
  return nullptr;
}

} // namespace ringfort::tls
