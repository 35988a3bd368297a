#include "tls/record_cipher.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include <ringfort/check.hpp>

namespace ringfort::tls {

namespace {

constexpr std::byte version_major{3};
constexpr std::byte version_minor{3};

void put_big_endian(std::byte* at, std::uint64_t value, std::size_t bytes) noexcept {
  for (std::size_t index = bytes; index > 0; --index) {
    at[index - 1] = static_cast<std::byte>(value);
    value >>= 8;
  }
}

} // namespace

Result<RecordCipher> RecordCipher::create(const Library& library, Direction direction,
                                          const DirectionKeys& keys) noexcept {
  RecordCipher made(library, direction, keys);
  if (auto woken = made.wake(); !woken) return std::unexpected(woken.error());
  return made;
}

Result<> RecordCipher::wake() noexcept {
  if (!resting()) return {};
  RINGFORT_CHECK(!handed_over_); // Two who count the same records would use a nonce twice.
  if (work_.use_key(keys_.key_bytes())) return {};
  work_.end();
  return fail(Code::tls_record_crypto_failed);
}

Result<> RecordCipher::rekey(const DirectionKeys& keys) noexcept {
  keys_ = keys;
  if (resting()) return {};
  if (!work_.use_key(keys_.key_bytes())) return fail(Code::tls_record_crypto_failed);
  return {};
}

bool RecordCipher::has_explicit_nonce() const noexcept {
  return !is_1_3() && keys_.suite->aead != Aead::chacha20_poly1305;
}

/// Sets nonce and additional data for the record of the next sequence number.
bool RecordCipher::begin_record(const std::byte* explicit_nonce, Bytes header,
                                std::size_t plaintext_bytes, ContentType type) noexcept {
  std::array<std::byte, nonce_bytes> nonce = keys_.iv;
  std::array<std::byte, 8> sequence;
  put_big_endian(sequence.data(), keys_.sequence, sequence.size());
  if (explicit_nonce != nullptr) {
    std::memcpy(nonce.data() + 4, explicit_nonce, explicit_nonce_bytes);
  } else {
    for (std::size_t index = 0; index < sequence.size(); ++index) {
      nonce[4 + index] ^= sequence[index];
    }
  }
  ++keys_.sequence;
  if (!work_.use_nonce(nonce)) return false;
  if (is_1_3()) return work_.authenticate(header);
  std::array<std::byte, 13> additional; // RFC 5246 section 6.2.3.3
  std::memcpy(additional.data(), sequence.data(), sequence.size());
  additional[8] = static_cast<std::byte>(type);
  additional[9] = version_major;
  additional[10] = version_minor;
  put_big_endian(additional.data() + 11, plaintext_bytes, 2);
  return work_.authenticate(additional);
}

Result<OpenedRecord> RecordCipher::open(MutableBytes record) noexcept {
  const bool explicit_nonce = has_explicit_nonce();
  const std::size_t front_bytes = record_header_bytes + (explicit_nonce ? explicit_nonce_bytes : 0);
  const std::size_t inner_bytes = is_1_3() ? 1 : 0;
  if (record.size() < front_bytes + inner_bytes + record_tag_bytes) {
    return fail(Code::tls_record_malformed);
  }
  if (auto woken = wake(); !woken) return std::unexpected(woken.error());
  const auto type = static_cast<ContentType>(record[0]);
  const MutableBytes sealed =
      record.subspan(front_bytes, record.size() - front_bytes - record_tag_bytes);
  const bool opened = begin_record(explicit_nonce ? record.data() + record_header_bytes : nullptr,
                                   record.first(record_header_bytes), sealed.size(), type) &&
                      work_.expect(record.last(record_tag_bytes)) &&
                      (sealed.empty() || work_.update(sealed.data(), sealed)) && work_.finish();
  if (!opened) return fail(Code::tls_record_bad_mac);
  if (is_1_3()) return inner_of(sealed);
  if (sealed.size() > record_plaintext_bytes_max) return fail(Code::tls_record_oversized);
  return OpenedRecord{.type = type, .plaintext = sealed};
}

/// TLSInnerPlaintext: content, its type, zeros (RFC 8446 section 5.2).
Result<OpenedRecord> RecordCipher::inner_of(MutableBytes plaintext) const noexcept {
  std::size_t end = plaintext.size();
  while (end > 0 && plaintext[end - 1] == std::byte{0}) --end;
  if (end == 0) return fail(Code::tls_record_unexpected_message);
  if (plaintext.size() > record_plaintext_bytes_max + 1) return fail(Code::tls_record_oversized);
  return OpenedRecord{.type = static_cast<ContentType>(plaintext[end - 1]),
                      .plaintext = plaintext.first(end - 1)};
}

Result<std::size_t> RecordCipher::seal(ContentType type, std::span<const Bytes> pieces,
                                       MutableBytes out) noexcept {
  const std::size_t plaintext_bytes =
      std::accumulate(pieces.begin(), pieces.end(), std::size_t{0},
                      [](std::size_t sum, Bytes piece) { return sum + piece.size(); });
  const bool explicit_nonce = has_explicit_nonce();
  const std::size_t front_bytes = record_header_bytes + (explicit_nonce ? explicit_nonce_bytes : 0);
  const std::size_t body_bytes = plaintext_bytes + (is_1_3() ? 1 : 0);
  const std::size_t record_bytes = front_bytes + body_bytes + record_tag_bytes;
  if (out.size() < record_bytes) return fail(Code::tls_record_crypto_failed);
  if (auto woken = wake(); !woken) return std::unexpected(woken.error());

  out[0] = static_cast<std::byte>(is_1_3() ? ContentType::application_data : type);
  out[1] = version_major;
  out[2] = version_minor;
  put_big_endian(out.data() + 3, record_bytes - record_header_bytes, 2);
  std::byte* nonce = explicit_nonce ? out.data() + record_header_bytes : nullptr;
  // The sequence number is a nonce that cannot repeat under one key (RFC 5288 section 3).
  if (nonce != nullptr) put_big_endian(nonce, keys_.sequence, explicit_nonce_bytes);

  const bool sealed = begin_record(nonce, out.first(record_header_bytes), plaintext_bytes, type) &&
                      seal_pieces(pieces, out.subspan(front_bytes, body_bytes), type) &&
                      work_.finish(out.subspan(front_bytes + body_bytes, record_tag_bytes));
  if (!sealed) return fail(Code::tls_record_crypto_failed);
  return record_bytes;
}

// A short record is cheaper copied together and sealed in one call; a long one is sealed straight
// from its pieces, which saves a pass over its bytes.
bool RecordCipher::seal_pieces(std::span<const Bytes> pieces, MutableBytes body,
                               ContentType type) noexcept {
  constexpr std::size_t copied_bytes_max = 4'096;
  const std::byte inner_type[] = {static_cast<std::byte>(type)};
  if (body.size() <= copied_bytes_max) {
    MutableBytes rest = body;
    for (const Bytes piece : pieces) rest = copy_into(rest, piece);
    if (is_1_3()) rest[0] = inner_type[0];
    return body.empty() || work_.update(body.data(), body);
  }
  std::byte* at = body.data();
  for (const Bytes piece : pieces) {
    if (piece.empty()) continue;
    if (!work_.update(at, piece)) return false;
    at += piece.size();
  }
  return !is_1_3() || work_.update(at, inner_type);
}

} // namespace ringfort::tls
