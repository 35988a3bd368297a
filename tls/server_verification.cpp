#include "tls/server_verification.hpp"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "tls/authorities.hpp"
#include "tls/distrust.hpp"
#include "tls/host_name.hpp"
#include "tls/openssl.hpp"

namespace ringfort::tls {

namespace {

using Pins = std::vector<Pin>;

/// Each is believed by itself, whoever signed it.
Result<> use_authorities(OSSL_LIB_CTX* library, X509_STORE* store,
                         const ClientContext::Description& description) {
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (const std::string* pem : {&description.machine_pem, &description.options.authorities_pem,
                                 &description.options.extra_authorities_pem}) {
    if (pem->empty()) continue;
    const auto added = add_authorities(library, store, *pem);
    if (!added) return std::unexpected(added.error());
  }
  return {};
}

/// OpenSSL's verification, and then the pins.
int verify(X509_STORE_CTX* context, void* pins_pointer) noexcept {
  const Pins& pins = *static_cast<const Pins*>(pins_pointer);
  if (X509_verify_cert(context) != 1) {
    name_lone_leaf(context);
    return 0;
  }
  if (pins.empty() || has_pinned(X509_STORE_CTX_get0_chain(context), pins)) return 1;
  X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

} // namespace

Result<> use_verification(ossl_lib_ctx_st* library, ssl_ctx_st* context,
                          const ClientContext::Description& description) {
  const ClientContextOptions& options = description.options;
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  if (auto used = use_authorities(library, store, description); !used) return used;
  if (!options.revocation_lists_pem.empty()) {
    auto used = add_revocation_lists(library, store, options.revocation_lists_pem);
    if (!used) return used;
  }
  // Without SSL_VERIFY_PEER the chain is verified as well, and what came of it is kept.
  SSL_CTX_set_verify(context, options.verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify, const_cast<Pins*>(&description.pins));
  return {};
}

bool demand_name(ssl_st* ssl, std::string_view name) {
  X509_VERIFY_PARAM* terms = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(terms, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                             X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (const HostName host(name); host) {
    return X509_VERIFY_PARAM_set1_host(terms, host.text().data(), host.text().size()) == 1;
  }
  const std::string address(name.substr(0, name.find('%')));
  return X509_VERIFY_PARAM_set1_ip_asc(terms, address.c_str()) == 1;
}

} // namespace ringfort::tls
