// certificate — what an identity says of itself, what is wrong with it, and what a client would
// answer: the certificate doctor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ringfort/error.hpp>
#include <ringfort/tls.hpp>

namespace ringfort::tls {

struct CertificateFacts {
  std::string subject; ///< "CN=localhost", as RFC 4514 writes it
  std::string issuer;
  /// Of the subjectAltName: host names and IP addresses.
  std::vector<std::string> names = {};
  std::vector<std::string> mail_addresses = {}; ///< of the same
  std::vector<std::string> uris = {};           ///< of the same
  std::int64_t not_before_unix_s = 0;
  std::int64_t not_after_unix_s = 0;
  std::string key;         ///< "EC P-256", "RSA 2048", "ED25519"
  std::string signature;   ///< "ecdsa-with-SHA256"
  std::string fingerprint; ///< SHA-256 of the certificate, lower-case hexadecimal
};

/// What is said of a certificate by who trusts the given authorities.
struct Verdict {
  bool accepts = false;
  std::string text;  ///< OpenSSL's reason; "ok" when it accepts
  std::string alias; ///< the code other stacks use: UNABLE_TO_VERIFY_LEAF_SIGNATURE, ...
};

/// What a client showed of itself, and whether the server believes it. It may be bytes of the
/// client's choice: escape them before they are shown.
struct ClientCertificate {
  CertificateFacts facts;
  Verdict verdict;
};

struct Diagnosis {
  std::vector<CertificateFacts> chain; ///< leaf first
  /// Context::warnings of this identity, and tls_context.name_not_covered.
  std::vector<Error> findings;
  Verdict verdict;
};

/// Whether a client that asks for `name`, a host name or an IP address, finds it in the
/// subjectAltName of a chain's leaf. For "*." and a name the leaf has to hold that very wildcard.
/// Errors: tls_context.not_pem.
Result<bool> covers(std::string_view chain_pem, std::string_view name);

/// Reads an identity as a context would. `name` is the host that a client asks for, empty for any;
/// `authorities_pem` is whom it trusts, empty for the system's store.
/// Errors: what Context::create refuses an identity for, and tls_context.junk_authority.
/// Cost:   reads the system's store from disk when it is asked for.
Result<Diagnosis> diagnose(const Identity& identity, const std::string& name = {},
                           const std::string& authorities_pem = {});

} // namespace ringfort::tls
