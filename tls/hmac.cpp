#include "tls/hmac.hpp"

#include <array>

#include "tls/openssl.hpp"

namespace ringfort::tls {

DigestContext make_digest_context() noexcept { return {EVP_MD_CTX_new(), EVP_MD_CTX_free}; }

bool Hmac::use(const EVP_MD* digest, Bytes key) noexcept {
  std::array<std::byte, EVP_MAX_BLOCK_LENGTH + EVP_MAX_MD_SIZE * 2> pad{};
  const WipeGuard wipe(pad);
  const auto block_bytes = static_cast<std::size_t>(EVP_MD_get_block_size(digest));
  if (block_bytes > pad.size()) return false;
  bool used = true;
  if (key.size() > block_bytes) {
    used = EVP_DigestInit_ex2(inner_.get(), digest, nullptr) == 1 &&
           EVP_DigestUpdate(inner_.get(), key.data(), key.size()) == 1 &&
           EVP_DigestFinal_ex(inner_.get(), raw(pad), nullptr) == 1;
  } else {
    copy_into(pad, key);
  }
  const auto begin_half = [&](EVP_MD_CTX* half, std::byte mask) {
    for (std::byte& byte : MutableBytes(pad).first(block_bytes)) byte ^= mask;
    return EVP_DigestInit_ex2(half, digest, nullptr) == 1 &&
           EVP_DigestUpdate(half, pad.data(), block_bytes) == 1;
  };
  constexpr std::byte inner{0x36};
  constexpr std::byte outer{0x5c};
  return used && begin_half(inner_.get(), inner) && begin_half(outer_.get(), inner ^ outer);
}

void Hmac::forget() noexcept {
  EVP_MD_CTX_reset(inner_.get());
  EVP_MD_CTX_reset(outer_.get());
}

Hmac Hmac::copy() const noexcept {
  Hmac made;
  const bool copied = made && EVP_MD_CTX_copy_ex(made.inner_.get(), inner_.get()) == 1 &&
                      EVP_MD_CTX_copy_ex(made.outer_.get(), outer_.get()) == 1;
  if (!copied) made.inner_.reset();
  return made;
}

bool Hmac::begin(EVP_MD_CTX* work) const noexcept {
  return EVP_MD_CTX_copy_ex(work, inner_.get()) == 1;
}

bool Hmac::end(EVP_MD_CTX* work, MutableBytes out) const noexcept {
  std::array<std::byte, EVP_MAX_MD_SIZE> hash;
  unsigned bytes = 0;
  return EVP_DigestFinal_ex(work, raw(hash), &bytes) == 1 && out.size() >= bytes &&
         EVP_MD_CTX_copy_ex(work, outer_.get()) == 1 &&
         EVP_DigestUpdate(work, hash.data(), bytes) == 1 &&
         EVP_DigestFinal_ex(work, raw(out), nullptr) == 1;
}

} // namespace ringfort::tls
