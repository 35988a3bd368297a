// distrust — which fault it is that a certificate was not believed. A reason is an X509_V_ERR.
#pragma once

#include <ringfort/error.hpp>

struct x509_store_ctx_st;

namespace ringfort::tls {

Code code_of_distrusted_client(int reason) noexcept;
Code code_of_distrusted_server(int reason) noexcept;

/// A leaf alone, of an issuer that is not known, is called what OpenSSL calls it where partial
/// chains are not taken. After a verification has failed, or while it does.
void name_lone_leaf(x509_store_ctx_st* context) noexcept;

} // namespace ringfort::tls
