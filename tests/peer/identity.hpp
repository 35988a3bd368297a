// identity — certificates made for a test: self-signed, for localhost.
#pragma once

#include <cstdint>
#include <string>

#include <ringfort/tls.hpp>

#include "tests/peer/openssl.hpp"

namespace ringfort::peer {

enum class KeyType : std::uint8_t { ecdsa_p256, rsa_2048, ecdsa_p384, ed25519, rsa_1024 };

/// What a certificate says, where it matters.
struct Terms {
  KeyType type = KeyType::ecdsa_p256;
  std::string name = "localhost"; ///< subject and subjectAltName
  int begins_days = -1;           ///< from today
  int ends_days = 365;
  bool issued = false; ///< by an authority of its own, whose certificate is appended
};

KeyOwner make_key(KeyType type);

/// A new one at each call. RSA signatures all have one length, ECDSA's vary.
tls::Identity make_identity(KeyType type);
tls::Identity make_identity(const Terms& terms);

/// The identity's key, encrypted (PKCS#8, AES-256-CBC).
std::string encrypted_key(const tls::Identity& identity, const std::string& pass_phrase);

/// A PKCS#12 container of it; without its key, or without its certificates, when asked.
enum class Without : std::uint8_t { nothing, key, certificates };
std::string pkcs12_of(const tls::Identity& identity, const std::string& pass_phrase,
                      Without without = Without::nothing);

/// A server's context with one identity of each type given.
tls::Context make_context(std::initializer_list<KeyType> types, tls::ContextOptions options = {});

} // namespace ringfort::peer
