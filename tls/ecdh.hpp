// ecdh — OpenSSL's ECDH without two things that OpenSSL 3.0 does for each handshake:
//   a second look at the peer's point, which multiplies it by the group's order, as much work as
//   the agreement itself. A curve whose cofactor is 1 has only points of that order, so SP 800-56A
//   rev. 3, section 5.6.2.3.3, asks for no more than that the point is on the curve, which was
//   checked when it was read (EC_POINT_oct2point(3)), and that it is not infinity, which the
//   agreement refuses. The groups that are offered here have that cofactor, unlike OpenSSL's binary
//   curves, which TLS gave up (RFC 8422).
//   the group made anew from its name; here it is copied from one that was made before.
// The rest are OpenSSL's own functions.
#pragma once

#include <memory>
#include <optional>

struct ossl_dispatch_st;
struct ossl_param_st;
struct ossl_provider_st;

namespace ringfort::tls {

/// Where: one shard.
class Ecdh {
public:
  // As OpenSSL's own.
  static constexpr char key_names[] = "EC:id-ecPublicKey:1.2.840.10045.2.1";
  static constexpr char exchange_names[] = "ECDH";

  /// On top of the functions of `base`, which has to stay loaded. None, if it lacks one.
  static std::optional<Ecdh> create(ossl_provider_st* base);
  Ecdh(Ecdh&&) noexcept;
  Ecdh& operator=(Ecdh&&) noexcept;
  ~Ecdh();

  /// For OpenSSL (provider-keymgmt(7), provider-keyexch(7)).
  const ossl_dispatch_st* key_functions() const noexcept;
  const ossl_dispatch_st* exchange_functions() const noexcept;
  /// See BaseExchange::tell_groups().
  bool tell_groups(int (*told)(const ossl_param_st*, void*), void* argument) const noexcept;

private:
  friend struct EcdhCallbacks;
  struct Parts;
  explicit Ecdh(std::unique_ptr<Parts> parts) noexcept;

  std::unique_ptr<Parts> parts_;
};

} // namespace ringfort::tls
