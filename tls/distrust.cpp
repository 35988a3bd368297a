#include "tls/distrust.hpp"

#include <openssl/x509_vfy.h>

namespace ringfort::tls {

namespace {

/// The certificates may be good; the lists do not tell.
bool lacks_list(int reason) noexcept {
  switch (reason) {
  case X509_V_ERR_UNABLE_TO_GET_CRL:
  case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
  case X509_V_ERR_CRL_HAS_EXPIRED:
  case X509_V_ERR_CRL_NOT_YET_VALID:
  case X509_V_ERR_CRL_SIGNATURE_FAILURE: return true;
  default: return false;
  }
}

} // namespace

Code code_of_distrusted_client(int reason) noexcept {
  if (lacks_list(reason)) return Code::tls_handshake_revocation_unknown;
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
  default: return Code::tls_handshake_client_certificate_refused;
  }
}

Code code_of_distrusted_server(int reason) noexcept {
  if (lacks_list(reason)) return Code::tls_handshake_server_revocation_unknown;
  switch (reason) {
  case X509_V_ERR_CERT_HAS_EXPIRED: return Code::tls_handshake_server_certificate_expired;
  case X509_V_ERR_CERT_NOT_YET_VALID: return Code::tls_handshake_server_certificate_not_yet_valid;
  case X509_V_ERR_CERT_REVOKED: return Code::tls_handshake_server_certificate_revoked;
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_CERT_SIGNATURE_FAILURE:
  case X509_V_ERR_CERT_CHAIN_TOO_LONG: return Code::tls_handshake_server_certificate_unknown_issuer;
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    return Code::tls_handshake_server_certificate_self_signed;
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    return Code::tls_handshake_server_certificate_untrusted_root;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH: return Code::tls_handshake_server_certificate_wrong_name;
  case X509_V_ERR_EE_KEY_TOO_SMALL:
  case X509_V_ERR_CA_KEY_TOO_SMALL: return Code::tls_handshake_server_certificate_too_weak;
  case X509_V_ERR_CA_MD_TOO_WEAK: return Code::tls_handshake_server_signature_too_weak;
  // Verification as OpenSSL knows it went well: see server_verification.
  case X509_V_ERR_APPLICATION_VERIFICATION: return Code::tls_handshake_server_key_not_pinned;
  default: return Code::tls_handshake_server_certificate_refused;
  }
}

void name_lone_leaf(x509_store_ctx_st* context) noexcept {
  const bool alone = X509_STORE_CTX_get_error_depth(context) == 0;
  if (alone && X509_STORE_CTX_get_error(context) == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY) {
    X509_STORE_CTX_set_error(context, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE);
  }
}

} // namespace ringfort::tls
