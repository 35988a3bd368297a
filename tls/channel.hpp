// channel — both directions of TLS after the handshake, with the record layer's duties: alerts,
// close_notify, KeyUpdate both ways, refused renegotiation, and an end to every key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

#include "tls/alerts.hpp"
#include "tls/record_cipher.hpp"
#include "tls/library.hpp"
#include "tls/traffic_keys.hpp"

namespace ringfort::tls {

struct ChannelLimits {
  /// Records sealed under one key before it is replaced (TLS 1.3) or given up (TLS 1.2). RFC 8446
  /// section 5.5 allows about 2^24.5 full records of AES-GCM.
  std::uint64_t records_per_key = std::uint64_t{1} << 23;
  /// KeyUpdates that may come without a byte of data between them.
  std::uint32_t key_updates_without_data_max = 32;
};

/// Where: one shard. Cost: two EVP contexts; seal and receive allocate nothing.
class Channel {
public:
  static constexpr std::size_t plaintext_bytes_max = record_plaintext_bytes_max;
  static constexpr std::size_t record_overhead_bytes_max = tls::record_overhead_bytes_max;
  static constexpr std::size_t record_bytes_max = plaintext_bytes_max + record_overhead_bytes_max;
  /// Room for any record that carries no data.
  static constexpr std::size_t control_record_bytes_max = 64;
  /// The longest record that is received (RFC 8446 section 5.2; TLS 1.2 allows more, nobody sends
  /// it with an AEAD).
  static constexpr std::size_t received_record_bytes_max = record_header_bytes + 16'384 + 256;

  enum class Kind : std::uint8_t {
    data,    ///< plaintext, possibly empty
    control, ///< dealt with; see owes_control()
    closed,  ///< close_notify: no data will follow
  };
  struct Received {
    Kind kind;
    MutableBytes plaintext;
  };

  /// Borrow: `library` for the channel's life. Errors: tls_record.crypto_failed.
  static Result<Channel> create(const Library& library, const TrafficKeys& keys,
                                const ChannelLimits& limits = {}) noexcept;

  /// The whole length of the record at the front of `input`; 0 while its header is incomplete.
  /// Errors: tls_record.malformed, tls_record.oversized.
  Result<std::size_t> record_bytes(Bytes input) const noexcept;

  /// Opens exactly one whole record, in place, and does what it asks for.
  /// Borrow: the plaintext lies inside `record`.
  /// Errors: tls_record.*; the peer is owed alert_for() of it.
  Result<Received> receive(MutableBytes record) noexcept;

  /// A KeyUpdate of ours has to go out before the next data: seal_control() first.
  bool owes_control() const noexcept { return owes_key_update_; }
  Result<std::size_t> seal_control(MutableBytes out) noexcept;

  /// Seals the pieces as one record. See RecordCipher::seal.
  /// Errors: tls_record.key_exhausted, tls_record.crypto_failed.
  Result<std::size_t> seal(std::span<const Bytes> pieces, MutableBytes out) noexcept;

  /// Errors: tls_record.crypto_failed.
  Result<std::size_t> seal_alert(Alert alert, MutableBytes out) noexcept;

private:
  Channel(const Library& library, RecordCipher opener, RecordCipher sealer,
          const ChannelLimits& limits) noexcept;

  Result<Received> receive_alert(Bytes alert) noexcept;
  Result<Received> receive_handshake(Bytes message) noexcept;

  const Library* library_;
  RecordCipher opener_;
  RecordCipher sealer_;
  ChannelLimits limits_;
  std::uint64_t key_sealed_from_ = 0; ///< sequence at which the sealing key began
  std::uint32_t key_updates_ = 0;     ///< since the last data
  bool owes_key_update_ = false;
};

} // namespace ringfort::tls
