#include "tls/kernel_keys.hpp"

#include <cstdint>
#include <cstring>

#include <linux/tls.h>
#include <openssl/crypto.h>

#include <ringfort/check.hpp>

namespace ringfort::tls {

namespace {

std::array<std::byte, 8> big_endian(std::uint64_t value) noexcept {
  std::array<std::byte, 8> bytes;
  for (std::size_t index = bytes.size(); index > 0; --index, value >>= 8) {
    bytes[index - 1] = static_cast<std::byte>(value);
  }
  return bytes;
}

template <class Field>
void put(Field& field, Bytes bytes) noexcept {
  RINGFORT_CHECK(bytes.size() == sizeof field);
  std::memcpy(&field, bytes.data(), bytes.size());
}

} // namespace

/// `info` comes with its cipher set; the rest is filled in here.
template <class Info>
void KernelKeys::write(Info& info, const DirectionKeys& keys, std::size_t salt_bytes) noexcept {
  static_assert(sizeof info <= bytes_max);
  const bool is_1_3 = keys.suite->version == Version::tls_1_3;
  const auto sequence = big_endian(keys.sequence);
  info.info.version = is_1_3 ? TLS_1_3_VERSION : TLS_1_2_VERSION;
  put(info.key, keys.key_bytes());
  put(info.rec_seq, sequence);
  if (salt_bytes > 0) std::memcpy(info.salt, keys.iv.data(), salt_bytes);
  // In TLS 1.2 GCM the kernel counts the explicit nonce on from here. The sequence number is one
  // that cannot repeat under this key, and RecordCipher used the same for the records before.
  const bool explicit_nonce = !is_1_3 && salt_bytes > 0;
  put(info.iv, explicit_nonce ? Bytes(sequence) : Bytes(keys.iv).subspan(salt_bytes));
  size_bytes_ = sizeof info;
  std::memcpy(bytes_.data(), &info, sizeof info);
  OPENSSL_cleanse(&info, sizeof info);
}

KernelKeys::~KernelKeys() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

KernelKeys::KernelKeys(const DirectionKeys& keys) noexcept {
  switch (keys.suite->aead) {
  case Aead::aes_128_gcm: {
    tls12_crypto_info_aes_gcm_128 info{};
    info.info.cipher_type = TLS_CIPHER_AES_GCM_128;
    write(info, keys, sizeof info.salt);
    break;
  }
  case Aead::aes_256_gcm: {
    tls12_crypto_info_aes_gcm_256 info{};
    info.info.cipher_type = TLS_CIPHER_AES_GCM_256;
    write(info, keys, sizeof info.salt);
    break;
  }
  case Aead::chacha20_poly1305: {
    tls12_crypto_info_chacha20_poly1305 info{};
    info.info.cipher_type = TLS_CIPHER_CHACHA20_POLY1305;
    write(info, keys, 0);
    break;
  }
  }
}

} // namespace ringfort::tls
