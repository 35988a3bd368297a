// hmac — HMAC (RFC 2104) with a digest that was fetched once, its key hashed once.
#pragma once

#include <memory>

#include <ringfort/bytes.hpp>

struct evp_md_ctx_st;
struct evp_md_st;

namespace ringfort::tls {

using DigestContext = std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)>;

DigestContext make_digest_context() noexcept; ///< null without memory

/// One key's: the two hashes, each after its padded key.
class Hmac {
public:
  Hmac() noexcept : inner_(make_digest_context()), outer_(make_digest_context()) {}
  /// Did memory suffice?
  explicit operator bool() const noexcept { return inner_ != nullptr && outer_ != nullptr; }

  bool use(const evp_md_st* digest, Bytes key) noexcept;
  /// The key is no longer kept.
  void forget() noexcept;
  Hmac copy() const noexcept; ///< false without memory

  // A message, digested in `work`; `out` takes as much as the digest gives.
  bool begin(evp_md_ctx_st* work) const noexcept;
  bool end(evp_md_ctx_st* work, MutableBytes out) const noexcept;

private:
  DigestContext inner_;
  DigestContext outer_;
};

} // namespace ringfort::tls
