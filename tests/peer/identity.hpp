// identity — certificates made for a test: self-signed, for localhost.
#pragma once

#include <cstdint>
#include <string>

#include <ringfort/tls.hpp>

namespace ringfort::peer {

enum class KeyType : std::uint8_t { ecdsa_p256, rsa_2048 };

/// A new one at each call. RSA signatures all have one length, ECDSA's vary.
tls::Identity make_identity(KeyType type);

/// A server's context with one identity of each type given.
tls::Context make_context(std::initializer_list<KeyType> types, tls::ContextOptions options = {});

} // namespace ringfort::peer
