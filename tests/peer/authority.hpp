// authority — a certificate authority made for a test: it issues, and it revokes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include <ringfort/tls.hpp>

#include "tests/peer/identity.hpp"
#include "tests/peer/openssl.hpp"

namespace ringfort::peer {

/// What an authority writes into a certificate.
struct Issue {
  std::string subject = "client";
  std::string names = {};             ///< subjectAltName, as openssl.cnf(5) has it; may be empty
  std::string purpose = "clientAuth"; ///< extendedKeyUsage; empty: any
  int begins_days = -1;               ///< from today
  int ends_days = 365;
  KeyType type = KeyType::ecdsa_p256;
};

class Authority {
public:
  /// Self-signed.
  explicit Authority(const std::string& name);
  /// Below another one.
  Authority(const std::string& name, const Authority& parent);

  const std::string& pem() const noexcept { return pem_; }
  /// The chain ends below this authority's own certificate.
  tls::Identity issue(const Issue& issue = {}) const;
  /// A revocation list, of this authority's certificates.
  std::string revoke(std::initializer_list<const tls::Identity*> revoked, int ends_days = 30) const;

private:
  void sign_own(const std::string& name, const Authority& issuer);

  KeyOwner key_;
  CertificateOwner certificate_;
  std::string pem_;
};

} // namespace ringfort::peer
