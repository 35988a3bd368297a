#include "tls/client_certificates.hpp"

#include <openssl/x509_vfy.h>

#include "tls/authorities.hpp"
#include "tls/certificate_facts.hpp"
#include "tls/distrust.hpp"

namespace ringfort::tls {

namespace {

using Mode = ClientCertificates::Mode;

/// Each is believed by itself, whoever signed it; and clients are told its name.
Result<> use_authorities(OSSL_LIB_CTX* library, SSL_CTX* context, const std::string& pem) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  const auto authorities = add_authorities(library, store, pem);
  if (!authorities) return std::unexpected(authorities.error());
  for (const CertificateOwner& authority : *authorities) {
    if (SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return fail(Code::tls_context_no_memory);
    }
  }
  return {};
}

Result<> check(const ClientCertificates& clients) noexcept {
  constexpr std::uint8_t depth_max = 16;
  if (clients.depth > depth_max) return fail(Code::config_invalid);
  const bool named = !clients.authorities_pem.empty() || !clients.revocation_lists_pem.empty();
  if (clients.mode == Mode::none && named) return fail(Code::config_invalid);
  if (clients.mode == Mode::required && clients.authorities_pem.empty()) {
    return fail(Code::tls_context_no_client_authority);
  }
  return {};
}

/// Verification goes on to its end, and its last word stays with the session.
int take_any(int good, X509_STORE_CTX* context) noexcept {
  if (good == 0) name_lone_leaf(context);
  return 1;
}

} // namespace

Result<> use_clients(ossl_lib_ctx_st* library, ssl_ctx_st* context,
                     const ClientCertificates& clients) {
  if (auto checked = check(clients); !checked) return checked;
  if (clients.mode == Mode::none) return {};
  if (!clients.authorities_pem.empty()) {
    auto used = use_authorities(library, context, clients.authorities_pem);
    if (!used) return used;
  }
  if (!clients.revocation_lists_pem.empty()) {
    auto used = add_revocation_lists(library, SSL_CTX_get_cert_store(context),
                                     clients.revocation_lists_pem);
    if (!used) return used;
  }
  SSL_CTX_set_verify_depth(context, clients.depth);
  SSL_CTX_set_max_cert_list(context, ClientCertificates::chain_bytes_max);
  if (clients.mode == Mode::optional) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, take_any);
  } else {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return {};
}

Result<> validate(const ClientCertificates& clients) {
  const ErrorQueueGuard guard;
  const SslContextOwner trial(SSL_CTX_new(TLS_server_method()));
  if (trial == nullptr) return fail(Code::tls_context_no_memory);
  return use_clients(nullptr, trial.get(), clients);
}

std::unique_ptr<ClientCertificate> client_certificate_of(const ssl_st* ssl) {
  const X509* shown = SSL_get0_peer_certificate(ssl);
  if (shown == nullptr) return nullptr;
  return std::make_unique<ClientCertificate>(
      facts_of(shown, ClientCertificates::names_max),
      verdict_of(static_cast<int>(SSL_get_verify_result(ssl))));
}

std::string text_of_clients(const ClientCertificates& clients) {
  if (clients.mode == Mode::none) return "none";
  std::string text = clients.mode == Mode::optional ? "optional" : "required";
  text.append(", authorities ")
      .append(std::to_string(count_of_certificates(clients.authorities_pem)));
  text.append(", revocation lists ")
      .append(std::to_string(count_of_revocation_lists(clients.revocation_lists_pem)));
  return text.append(", depth ").append(std::to_string(clients.depth));
}

} // namespace ringfort::tls
