#include "tls/client_certificates.hpp"

#include <openssl/x509_vfy.h>

#include "tls/certificate_facts.hpp"
#include "tls/identity.hpp"
#include "tls/openssl.hpp"

namespace ringfort::tls {

namespace {

using Mode = ClientCertificates::Mode;
using ListOwner = std::unique_ptr<X509_CRL, Freer<X509_CRL_free>>;

/// Each is believed by itself, whoever signed it; and clients are told its name.
Result<> use_authorities(OSSL_LIB_CTX* library, SSL_CTX* context, const std::string& pem) {
  const auto authorities = parse_certificates(library, pem);
  if (!authorities || authorities->empty()) return fail(Code::tls_context_junk_authority);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (const CertificateOwner& authority : *authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context, authority.get()) != 1) {
      return fail(Code::tls_context_no_memory);
    }
  }
  return {};
}

Result<> use_lists(OSSL_LIB_CTX* library, SSL_CTX* context, const std::string& pem) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  const BioOwner bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  unsigned count = 0;
  while (true) {
    X509_CRL* read = X509_CRL_new_ex(library, nullptr);
    ERR_clear_error();
    if (PEM_read_bio_X509_CRL(bio.get(), &read, nullptr, nullptr) == nullptr) {
      X509_CRL_free(read);
      break;
    }
    const ListOwner list(read);
    if (X509_STORE_add_crl(store, list.get()) != 1) return fail(Code::tls_context_no_memory);
    ++count;
  }
  const bool whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!whole || count == 0) return fail(Code::tls_context_junk_revocation_list);
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
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

/// Verification goes on to its end, and its last word stays with the session. A leaf alone, of an
/// issuer that is not known, is called what OpenSSL calls it where partial chains are not taken.
int take_any(int good, X509_STORE_CTX* context) noexcept {
  const bool alone = X509_STORE_CTX_get_error_depth(context) == 0;
  if (good == 0 && alone &&
      X509_STORE_CTX_get_error(context) == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY) {
    X509_STORE_CTX_set_error(context, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE);
  }
  return 1;
}

std::size_t count_of(std::string_view pem, std::string_view begin) noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = pem.find(begin, at)) != std::string_view::npos; ++at) ++count;
  return count;
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
    auto used = use_lists(library, context, clients.revocation_lists_pem);
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

Code code_of_distrust(int reason) noexcept {
  switch (reason) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
  case X509_V_ERR_CERT_NOT_YET_VALID: return Code::tls_handshake_client_certificate_expired;
  case X509_V_ERR_CERT_REVOKED: return Code::tls_handshake_client_certificate_revoked;
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_CERT_CHAIN_TOO_LONG: return Code::tls_handshake_client_certificate_untrusted;
  case X509_V_ERR_UNABLE_TO_GET_CRL:
  case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
  case X509_V_ERR_CRL_HAS_EXPIRED:
  case X509_V_ERR_CRL_NOT_YET_VALID:
  case X509_V_ERR_CRL_SIGNATURE_FAILURE: return Code::tls_handshake_revocation_unknown;
  default: return Code::tls_handshake_client_certificate_refused;
  }
}

std::string text_of_clients(const ClientCertificates& clients) {
  if (clients.mode == Mode::none) return "none";
  std::string text = clients.mode == Mode::optional ? "optional" : "required";
  const auto authorities = count_of(clients.authorities_pem, "-----BEGIN CERTIFICATE-----");
  const auto lists = count_of(clients.revocation_lists_pem, "-----BEGIN X509 CRL-----");
  text.append(", authorities ").append(std::to_string(authorities));
  text.append(", revocation lists ").append(std::to_string(lists));
  return text.append(", depth ").append(std::to_string(clients.depth));
}

} // namespace ringfort::tls
