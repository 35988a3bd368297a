// prf — the PRF of TLS 1.2 (RFC 5246 section 5) with one hash function, in OpenSSL's place for the
// reasons of key_schedule: a master secret is used three times in a handshake, and is hashed once
// here.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>

#include <ringfort/bytes.hpp>

#include "tls/hmac.hpp"

struct ossl_dispatch_st;

namespace ringfort::tls {

/// Where: one shard.
class Prf {
public:
  static constexpr std::size_t master_secret_bytes = 48; ///< RFC 5246 section 8.1

  Prf() noexcept = default; ///< false
  /// An object that is false, without a digest or memory. Borrow: `digest`, for its life.
  explicit Prf(const evp_md_st* digest) noexcept;
  explicit operator bool() const noexcept { return work_ != nullptr; }

  /// P_hash(secret, seed): the seed is what its pieces are together, the label in front.
  bool derive(Bytes secret, std::span<const Bytes> seed, MutableBytes out) noexcept;
  /// No secret is kept any longer.
  void forget() noexcept;

  /// OpenSSL's "TLS1-PRF" (EVP_KDF-TLS1_PRF(7)).
  static const ossl_dispatch_st* functions() noexcept;

private:
  bool use(Bytes secret) noexcept;
  bool hash(Bytes chained, std::span<const Bytes> seed, MutableBytes out) noexcept;

  const evp_md_st* digest_ = nullptr;
  std::size_t hash_bytes_ = 0;
  DigestContext work_{nullptr, nullptr};
  Hmac hmac_; ///< of the secret that was used last
  std::array<std::byte, master_secret_bytes> secret_{};
  bool holds_secret_ = false;
};

} // namespace ringfort::tls
