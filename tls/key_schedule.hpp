// key_schedule — the key schedule of TLS 1.3 (RFC 8446 section 7.1) and what TLS 1.2 has for one
// (prf), in OpenSSL's place, for two reasons. Its own derives each of some twenty secrets with
// objects that it looks up, allocates and frees again, which costs more than the hashing. And the
// traffic secrets come to us as bytes here, where OpenSSL else tells those of TLS 1.3 only as lines
// of a key log, in hexadecimal, and those of TLS 1.2 not at all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <ringfort/bytes.hpp>

#include "tls/hkdf.hpp"
#include "tls/prf.hpp"

struct ossl_dispatch_st;
struct ossl_lib_ctx_st;

namespace ringfort::tls {

inline constexpr std::size_t key_bytes_max = 32;
inline constexpr std::size_t nonce_bytes = 12;

/// A traffic secret, what was derived from it, and how many records were protected with it so far.
struct TrafficSecret {
  std::array<std::byte, secret_bytes_max> secret{};
  std::size_t secret_bytes = 0; ///< 0 before it is known
  std::array<std::byte, key_bytes_max> key{};
  std::size_t key_bytes = 0;
  std::array<std::byte, nonce_bytes> iv{};
  std::size_t iv_bytes = 0;
  std::uint64_t records = 0;

  Bytes bytes() const noexcept { return Bytes(secret).first(secret_bytes); }
};

/// The two of application data in TLS 1.3; in TLS 1.2 the key block (RFC 5246 section 6.3).
struct TrafficSecrets {
  TrafficSecret client;
  TrafficSecret server;
  std::array<std::byte, 2 * (key_bytes_max + nonce_bytes)> key_block{};
  std::size_t key_block_bytes = 0; ///< 0 before it is known
};

/// Where: one shard.
class KeySchedule {
public:
  /// None, if OpenSSL has not the hash functions or no memory.
  static std::optional<KeySchedule> create(ossl_lib_ctx_st* context) noexcept;

  /// Null for a hash function that no suite has.
  Hkdf* hkdf(std::string_view hash) noexcept;
  Prf* prf(std::string_view hash) noexcept;
  /// Fetched already; null for another.
  const evp_md_st* digest(std::string_view name) noexcept;
  /// No secret is kept any longer: when a handshake is over.
  void forget() noexcept;

  /// For what stands in for OpenSSL's: TLS 1.2 derived its key block.
  void tell_key_block(Bytes block) noexcept;

  /// OpenSSL's "TLS13-KDF" (EVP_KDF-TLS13_KDF(7)).
  static const ossl_dispatch_st* functions() noexcept;

  /// As long as it lives, secrets are told to `secrets`, each as soon as it is derived. One at a
  /// time; around each call that moves a handshake on.
  class Telling {
  public:
    Telling(KeySchedule& schedule, TrafficSecrets& secrets) noexcept : schedule_(schedule) {
      schedule.told_ = &secrets;
    }
    Telling(const Telling&) = delete;
    Telling& operator=(const Telling&) = delete;
    ~Telling() { schedule_.told_ = nullptr; }

  private:
    KeySchedule& schedule_;
  };

private:
  friend struct KeyScheduleCallbacks;

  /// With one hash function; and what every handshake without a pre-shared key begins with.
  struct Schedule {
    Hkdf hkdf;
    Prf prf;
    std::array<std::byte, secret_bytes_max> early_secret{};
    std::array<std::byte, secret_bytes_max> early_derived{};

    Schedule(ossl_lib_ctx_st* context, const char* hash) noexcept;
  };

  explicit KeySchedule(ossl_lib_ctx_st* context) noexcept;
  Schedule* schedule(std::string_view hash) noexcept;

  Schedule sha_256_;
  Schedule sha_384_;
  TrafficSecrets* told_ = nullptr;
};

} // namespace ringfort::tls
