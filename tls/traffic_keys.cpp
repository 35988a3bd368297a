#include "tls/traffic_keys.hpp"

#include "tls/openssl.hpp"

namespace ringfort::tls {

DirectionKeys::~DirectionKeys() {
  OPENSSL_cleanse(key.data(), key.size());
  OPENSSL_cleanse(iv.data(), iv.size());
  OPENSSL_cleanse(secret.data(), secret.size());
}

Result<DirectionKeys> keys_of_secret(const Library& library, const Suite& suite,
                                     Bytes secret) noexcept {
  DirectionKeys keys;
  keys.suite = &suite;
  if (secret.size() != suite.hash_bytes) return fail(Code::tls_handshake_keys_unavailable);
  copy_into(keys.secret, secret);
  Hkdf& hkdf = library.hkdf(suite);
  const bool derived =
      hkdf.expand_label(secret, "key", {}, MutableBytes(keys.key).first(suite.key_bytes)) &&
      hkdf.expand_label(secret, "iv", {}, keys.iv);
  if (!derived) return fail(Code::tls_handshake_keys_unavailable);
  return keys;
}

Result<DirectionKeys> next_generation(const Library& library, const DirectionKeys& keys) noexcept {
  std::array<std::byte, secret_bytes_max> next;
  const WipeGuard wipe(next);
  const MutableBytes secret = MutableBytes(next).first(keys.suite->hash_bytes);
  Result<DirectionKeys> made = fail(Code::tls_handshake_keys_unavailable);
  if (library.hkdf(*keys.suite).expand_label(keys.secret_bytes(), "traffic upd", {}, secret)) {
    made = keys_of_secret(library, *keys.suite, secret);
  }
  library.key_schedule().forget();
  return made;
}

Result<TrafficKeys> keys_of_block(const Suite& suite, Bytes key_block) noexcept {
  const std::size_t key_bytes = suite.key_bytes;
  const std::size_t iv_bytes = suite.aead == Aead::chacha20_poly1305 ? nonce_bytes : 4;
  if (key_block.size() != 2 * (key_bytes + iv_bytes)) {
    return fail(Code::tls_handshake_keys_unavailable);
  }
  TrafficKeys keys;
  keys.receive.suite = keys.send.suite = &suite;
  keys.receive.sequence = keys.send.sequence = 1;
  copy_into(keys.receive.key, key_block.first(key_bytes));
  copy_into(keys.send.key, key_block.subspan(key_bytes, key_bytes));
  copy_into(keys.receive.iv, key_block.subspan(2 * key_bytes, iv_bytes));
  copy_into(keys.send.iv, key_block.subspan(2 * key_bytes + iv_bytes, iv_bytes));
  return keys;
}

} // namespace ringfort::tls
