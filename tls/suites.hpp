// suites — the AEAD cipher suites that exist here, of TLS 1.2 (RFC 5288, 5289, 7905) and TLS 1.3
// (RFC 8446 appendix B.4).
#pragma once

#include <cstdint>
#include <string_view>

#include <ringfort/tls.hpp>

namespace ringfort::tls {

enum class Aead : std::uint8_t { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

struct Suite {
  std::uint16_t id; ///< as on the wire
  Version version;
  Aead aead;
  std::string_view name; ///< OpenSSL's
  const char* hash;      ///< of the key schedule
  std::uint8_t hash_bytes;
  std::uint8_t key_bytes;
};

/// Null for a suite that is not supported.
const Suite* suite_of(std::uint16_t id) noexcept;
const Suite* suite_named(std::string_view name) noexcept;

/// The default order, for ContextOptions::suites.
std::string_view default_suites() noexcept;

std::string_view name_of(Version version) noexcept; ///< "TLSv1.3"

} // namespace ringfort::tls
