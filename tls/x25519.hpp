// x25519 — OpenSSL's X25519 (RFC 7748) with another way to generate keys. A public key is the base
// point multiplied, and OpenSSL has two multiplications: for that one portable C, and for agreeing
// on a secret a ladder, in assembly where the processor has ADX and cheaper even where it has not.
// Here the ladder does both. The rest are OpenSSL's own functions.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

struct ossl_dispatch_st;
struct ossl_lib_ctx_st;
struct ossl_param_st;
struct ossl_provider_st;

namespace ringfort::tls {

/// Where: one shard.
class X25519 {
public:
  static constexpr char names[] = "X25519:1.3.101.110"; ///< as OpenSSL's own
  static constexpr std::size_t key_bytes = 32;
  using Key = std::array<unsigned char, key_bytes>;

  /// On top of the functions of `base`, which has to stay loaded. None, if it lacks one.
  static std::optional<X25519> create(ossl_lib_ctx_st* context, ossl_provider_st* base);
  X25519(X25519&&) noexcept;
  X25519& operator=(X25519&&) noexcept;
  ~X25519();

  /// X25519(private_key, 9).
  bool public_key_of(const Key& private_key, Key& public_key) const noexcept;

  /// For OpenSSL (provider-keymgmt(7), provider-keyexch(7)).
  const ossl_dispatch_st* key_functions() const noexcept;
  const ossl_dispatch_st* exchange_functions() const noexcept;
  /// See BaseExchange::tell_groups().
  bool tell_groups(int (*told)(const ossl_param_st*, void*), void* argument) const noexcept;

private:
  friend struct X25519Callbacks;
  struct Parts;
  explicit X25519(std::unique_ptr<Parts> parts) noexcept;

  std::unique_ptr<Parts> parts_;
};

} // namespace ringfort::tls
