// hkdf — HKDF (RFC 5869) and HKDF-Expand-Label (RFC 8446 section 7.1) with one hash function. Three
// or four values are derived from each secret of TLS 1.3, and half of an HMAC's hashing is of its
// key, so a few keys are kept hashed until they are forgotten.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string_view>

#include <ringfort/bytes.hpp>

#include "tls/hmac.hpp"

struct ossl_lib_ctx_st;

namespace ringfort::tls {

inline constexpr std::size_t secret_bytes_max = 48; ///< as long as the longest hash

/// Where: one shard.
class Hkdf {
public:
  static constexpr std::string_view label_prefix = "tls13 ";

  Hkdf() noexcept = default; ///< false
  /// An object that is false, if OpenSSL has no such hash function or no memory.
  Hkdf(ossl_lib_ctx_st* context, const char* hash) noexcept;
  explicit operator bool() const noexcept { return work_ != nullptr; }

  std::size_t hash_bytes() const noexcept { return hash_bytes_; }
  const evp_md_st* digest() const noexcept { return digest_.get(); }
  /// The hash of nothing.
  Bytes empty_hash() const noexcept { return Bytes(empty_hash_).first(hash_bytes_); }

  // `out` takes hash_bytes(); a secret has no more.
  bool extract(Bytes salt, Bytes secret, MutableBytes out) noexcept;
  bool expand(Bytes secret, Bytes info, MutableBytes out) noexcept;
  bool expand_label(Bytes secret, std::string_view label, Bytes context, MutableBytes out) noexcept;

  /// No secret is kept any longer.
  void forget() noexcept;

private:
  /// A secret whose padded key is hashed.
  struct Kept {
    std::array<std::byte, secret_bytes_max> secret{};
    std::size_t secret_bytes = 0;
    Hmac hmac;
  };

  const Hmac* hmac_of(Bytes secret) noexcept;
  bool hash(const Hmac& hmac, std::initializer_list<Bytes> message, MutableBytes out) noexcept;

  std::unique_ptr<evp_md_st, void (*)(evp_md_st*)> digest_{nullptr, nullptr};
  DigestContext work_{nullptr, nullptr};
  std::size_t hash_bytes_ = 0;
  std::array<std::byte, secret_bytes_max> empty_hash_{};
  std::array<Kept, 4> kept_;
  std::size_t oldest_ = 0;
  Hmac once_; ///< for a salt, which comes once
};

} // namespace ringfort::tls
