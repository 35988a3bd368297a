// channel — both directions of TLS after the handshake, with the record layer's duties: alerts,
// close_notify, KeyUpdate both ways, refused renegotiation, and an end to every key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

#include "tls/alerts.hpp"
#include "tls/record_cipher.hpp"
#include "tls/library.hpp"
#include "tls/ticket_framing.hpp"
#include "tls/traffic_keys.hpp"

namespace ringfort::tls {

struct ChannelLimits {
  /// Records sealed under one key before it is replaced (TLS 1.3) or given up (TLS 1.2). RFC 8446
  /// section 5.5 allows about 2^24.5 full records of AES-GCM.
  std::uint64_t records_per_key = std::uint64_t{1} << 23;
  /// KeyUpdates, and tickets, that may come without a byte of data between them.
  std::uint32_t key_updates_without_data_max = 32;
};

/// Where: one shard. Cost: two EVP contexts; seal and receive allocate nothing, but after rest().
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
    ticket,  ///< a client's: NewSessionTickets, or a part of one, and nothing else
    closed,  ///< close_notify: no data will follow
  };
  struct Received {
    Kind kind;
    MutableBytes plaintext;
  };

  /// Borrow: `library` for the channel's life. Errors: tls_record.crypto_failed.
  static Result<Channel> create(const Library& library, const TrafficKeys& keys,
                                const ChannelLimits& limits = {},
                                Side side = Side::server) noexcept;

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

  /// Nothing moves: frees both directions' AEADs, until a record needs one. False: it had none.
  bool rest() noexcept;

  // Where the kernel protects a direction's records, the duties stay here: what an opened record
  // asks for, when a key is spent, which keys come next.

  /// From here on the kernel opens what is received: receive_opened() instead of receive().
  void let_kernel_open() noexcept { opener_.hand_over(); }
  /// From here on the kernel seals: count_sealed() and advance_send_keys() instead of seal() and
  /// seal_control(). `rekeys`: it can be given other keys (Linux 6.14+).
  void let_kernel_seal(bool rekeys) noexcept;
  const DirectionKeys& receive_keys() const noexcept { return opener_.keys(); }
  const DirectionKeys& send_keys() const noexcept { return sealer_.keys(); }

  /// Does what a record asks for that the kernel has opened. After a KeyUpdate receive_keys() are
  /// the next ones. Errors: as receive().
  Result<Received> receive_opened(ContentType type, MutableBytes plaintext) noexcept;
  /// Counts records that the kernel is about to seal. Errors: tls_record.key_exhausted.
  Result<> count_sealed(std::uint64_t records) noexcept;
  /// Our KeyUpdate has been sent: send_keys() are the next ones. Errors: as next_generation().
  Result<> advance_send_keys() noexcept;

  static constexpr std::array<std::byte, 5> key_update_message{
      std::byte{24}, {}, {}, std::byte{1}, {}};
  static constexpr std::array<std::byte, 2> alert_message(Alert alert) noexcept {
    const std::byte level{alert == Alert::close_notify ? std::uint8_t{1} : std::uint8_t{2}};
    return {level, static_cast<std::byte>(alert)};
  }

private:
  Channel(const Library& library, RecordCipher opener, RecordCipher sealer,
          const ChannelLimits& limits, Side side) noexcept;

  Result<> spend(std::uint64_t records) noexcept;
  Result<Received> receive_alert(Bytes alert) noexcept;
  Result<Received> receive_handshake(Bytes message) noexcept;
  Result<Received> receive_tickets(Bytes fragment) noexcept;
  Result<> count_without_data() noexcept;

  const Library* library_;
  RecordCipher opener_;
  RecordCipher sealer_;
  ChannelLimits limits_;
  Side side_;
  TicketFraming tickets_;
  std::uint64_t key_sealed_from_ = 0; ///< sequence at which the sealing key began
  std::uint32_t without_data_ = 0;    ///< KeyUpdates and tickets since the last data
  bool owes_key_update_ = false;
  bool send_keys_last_ = false; ///< TLS 1.2, or a kernel that takes no other keys
};

} // namespace ringfort::tls
