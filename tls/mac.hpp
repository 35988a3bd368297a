// mac — "HMAC" (EVP_MAC-HMAC(7)) in OpenSSL's place: its own looks a digest up and allocates five
// contexts for the one Finished message that it authenticates.
#pragma once

struct ossl_dispatch_st;

namespace ringfort::tls {

/// For OpenSSL (provider-mac(7)).
const ossl_dispatch_st* hmac_functions() noexcept;

} // namespace ringfort::tls
