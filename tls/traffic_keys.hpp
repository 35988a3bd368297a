// traffic_keys — what OpenSSL agreed with the peer, as a plain value: enough to go on without it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

#include "tls/library.hpp"
#include "tls/suites.hpp"

namespace ringfort::tls {

/// Which end of a connection is ours.
enum class Side : std::uint8_t { server, client };

/// One direction's keys; each copy is wiped when it goes. In TLS 1.2 GCM the first 4 bytes of `iv`
/// are the salt.
struct DirectionKeys {
  const Suite* suite = nullptr;
  std::array<std::byte, key_bytes_max> key{};
  std::array<std::byte, nonce_bytes> iv{};
  std::array<std::byte, secret_bytes_max> secret{}; ///< TLS 1.3 only
  std::uint64_t sequence = 0;                       ///< of the next record

  ~DirectionKeys();
  Bytes key_bytes() const noexcept { return Bytes(key).first(suite->key_bytes); }
  Bytes secret_bytes() const noexcept { return Bytes(secret).first(suite->hash_bytes); }
};

struct TrafficKeys {
  DirectionKeys receive;
  DirectionKeys send;
};

/// Key and iv of a TLS 1.3 traffic secret (RFC 8446 section 7.3), sequence 0.
/// Errors: tls_handshake.keys_unavailable.
Result<DirectionKeys> keys_of_secret(const Library& library, const Suite& suite,
                                     Bytes secret) noexcept;

/// The generation after `keys` (RFC 8446 section 7.2). Errors: tls_handshake.keys_unavailable.
Result<DirectionKeys> next_generation(const Library& library, const DirectionKeys& keys) noexcept;

/// Both directions of a TLS 1.2 server from its key block (RFC 5246 section 6.3); the Finished
/// messages were the records of sequence 0. Errors: tls_handshake.keys_unavailable.
Result<TrafficKeys> keys_of_block(const Suite& suite, Bytes key_block) noexcept;

} // namespace ringfort::tls
