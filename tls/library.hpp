// library — one shard's own OpenSSL: a library context with the algorithms fetched once, so that
// shards share no lock and no reference count, and nothing is looked up for a connection.
#pragma once

#include <memory>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

#include "tls/provider.hpp"
#include "tls/suites.hpp"

struct bio_method_st;
struct evp_cipher_st;
struct ossl_lib_ctx_st;

namespace ringfort::tls {

struct BaseAead;

/// Where: one shard. Cost: about 350 KB.
class Library {
public:
  /// Errors: tls_context.no_memory.
  static Result<std::unique_ptr<Library>> create();
  ~Library();

  ossl_lib_ctx_st* context() const noexcept;
  bio_method_st* bio_method() const noexcept;
  const BaseAead& aead(Aead which) const noexcept;
  evp_cipher_st* ticket_cipher() const noexcept; ///< AES-256-CBC (RFC 5077 section 4)

  KeySchedule& key_schedule() const noexcept;
  /// With the suite's hash function.
  Hkdf& hkdf(const Suite& suite) const noexcept;
  /// HKDF with SHA-256 and without a salt (RFC 5869).
  bool derive(Bytes secret, Bytes info, MutableBytes out) const noexcept;

private:
  struct Parts;
  explicit Library(std::unique_ptr<Parts> parts) noexcept;

  std::unique_ptr<Parts> parts_;
};

} // namespace ringfort::tls
