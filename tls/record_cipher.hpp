// record_cipher — one direction's record protection: AEAD in place, one sequence number per record
// (RFC 8446 section 5, RFC 5288, RFC 7905).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <ringfort/bytes.hpp>
#include <ringfort/error.hpp>

#include "tls/aead_work.hpp"
#include "tls/library.hpp"
#include "tls/traffic_keys.hpp"

namespace ringfort::tls {

/// RFC 8446 section 5.1.
enum class ContentType : std::uint8_t {
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23,
};

inline constexpr std::size_t record_header_bytes = 5;
inline constexpr std::size_t record_tag_bytes = 16;
inline constexpr std::size_t explicit_nonce_bytes = 8; ///< TLS 1.2 GCM
inline constexpr std::size_t record_plaintext_bytes_max = 16'384;
/// Header, explicit nonce or inner type, tag.
inline constexpr std::size_t record_overhead_bytes_max =
    record_header_bytes + explicit_nonce_bytes + record_tag_bytes;

/// One record after it was opened.
struct OpenedRecord {
  ContentType type;
  MutableBytes plaintext; ///< inside the record's own bytes
};

/// Where: one shard. Cost of seal and open: no allocation, but after rest().
class RecordCipher {
public:
  using Direction = AeadWork::Direction;

  /// Borrow: `library` for the cipher's life. Errors: tls_record.crypto_failed.
  static Result<RecordCipher> create(const Library& library, Direction direction,
                                     const DirectionKeys& keys) noexcept;

  /// Opens one whole record where it lies.
  /// Errors: tls_record.bad_mac, tls_record.malformed, tls_record.oversized,
  ///         tls_record.crypto_failed.
  Result<OpenedRecord> open(MutableBytes record) noexcept;

  /// Seals the pieces, at most record_plaintext_bytes_max together, as one record at the front of
  /// `out` and answers its length. `out` has record_overhead_bytes_max more than the pieces.
  /// Errors: tls_record.crypto_failed.
  Result<std::size_t> seal(ContentType type, std::span<const Bytes> pieces,
                           MutableBytes out) noexcept;

  /// Goes on with other keys of the same suite (RFC 8446 section 4.6.3).
  Result<> rekey(const DirectionKeys& keys) noexcept;

  /// Frees the AEAD, more than 1 KiB, until the next record makes it again.
  void rest() noexcept { work_.end(); }
  bool resting() const noexcept { return !work_.has_key(); }

  /// Leaves the cipher's work to the kernel: the AEAD is freed, the keys stay, for rekey()
  /// to follow and for count().
  void hand_over() noexcept {
    rest();
    handed_over_ = true;
  }
  /// So many records were protected elsewhere.
  void count(std::uint64_t records) noexcept { keys_.sequence += records; }

  const DirectionKeys& keys() const noexcept { return keys_; }
  bool is_1_3() const noexcept { return keys_.suite->version == Version::tls_1_3; }

private:
  RecordCipher(const Library& library, Direction direction, const DirectionKeys& keys) noexcept
      : work_(library.aead(keys.suite->aead), direction), keys_(keys) {}

  Result<> wake() noexcept;
  bool has_explicit_nonce() const noexcept;
  bool begin_record(const std::byte* explicit_nonce, Bytes header, std::size_t plaintext_bytes,
                    ContentType type) noexcept;
  Result<OpenedRecord> inner_of(MutableBytes plaintext) const noexcept;
  bool seal_pieces(std::span<const Bytes> pieces, MutableBytes body, ContentType type) noexcept;

  AeadWork work_;
  DirectionKeys keys_;
  bool handed_over_ = false;
};

} // namespace ringfort::tls
