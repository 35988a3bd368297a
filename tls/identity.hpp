// identity — an identity's PEM text as OpenSSL's objects, and what is wrong with it.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include <ringfort/error.hpp>
#include <ringfort/tls.hpp>

#include "tls/openssl.hpp"

namespace ringfort::tls {

struct ParsedIdentity {
  CertificateOwner leaf;
  std::vector<CertificateOwner> issuers; ///< as they follow the leaf
  KeyOwner key;
};

/// Errors: tls_context.empty_identity, .not_pem, .key_unusable, .no_pass_phrase,
///         .wrong_pass_phrase, .key_mismatch.
Result<ParsedIdentity> parse_identity(OSSL_LIB_CTX* library, const Identity& identity);

/// All certificates of PEM text, in order; an empty list when there is none.
/// Errors: tls_context.not_pem when one of them is broken.
Result<std::vector<CertificateOwner>> parse_certificates(OSSL_LIB_CTX* library,
                                                         const std::string& pem);

/// Leaves an identity with its key as parsed, not encrypted, and without a pass phrase.
void forget_pass_phrase(Identity& identity, EVP_PKEY* key);

/// The leaf's and the chain's flaws that do not keep a server from starting, worst first.
std::vector<Error> warnings_of(const ParsedIdentity& identity, std::time_t now);

/// When the first of its certificates ends, in Unix seconds.
std::int64_t expiry_of(const ParsedIdentity& identity);

std::string pem_of(X509* certificate);
std::string pem_of(EVP_PKEY* key); ///< PKCS#8, not encrypted

} // namespace ringfort::tls
