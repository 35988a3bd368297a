// base_algorithms — what OpenSSL's own provider offers, for algorithms of ours that stand on it.
// Included only by those.
#pragma once

#include <string_view>

#include <openssl/core.h>

namespace ringfort::tls {

/// The functions of `provider` for the algorithm whose first name is `name`; null if it has none.
/// `operation`: OSSL_OP_* (openssl-core_dispatch.h(7)). Borrow: as long as it is loaded.
const OSSL_DISPATCH* functions_of(const OSSL_PROVIDER* provider, int operation,
                                  std::string_view name) noexcept;

/// Tells groups of TLS as `provider` tells them (provider-base(7), "TLS-GROUP"), those that
/// `is_offered` says, by their id: the libssl of OpenSSL 3.0 takes a group only from the provider
/// of its keys. False, if telling was refused.
bool tell_groups(const OSSL_PROVIDER* provider, bool (*is_offered)(unsigned id),
                 OSSL_CALLBACK* told, void* argument) noexcept;

} // namespace ringfort::tls
