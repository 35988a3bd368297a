#include "tls/hkdf.hpp"

#include <algorithm>
#include <array>

#include "tls/openssl.hpp"

namespace ringfort::tls {

namespace {

constexpr std::size_t block_bytes_max = 128; // SHA-384's

unsigned char* raw(MutableBytes bytes) noexcept {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

} // namespace

Hkdf::Hkdf(OSSL_LIB_CTX* context, const char* hash) noexcept
    : digest_(EVP_MD_fetch(context, hash, nullptr), EVP_MD_free) {
  if (digest_ == nullptr) return;
  hash_bytes_ = static_cast<std::size_t>(EVP_MD_get_size(digest_.get()));
  block_bytes_ = static_cast<std::size_t>(EVP_MD_get_block_size(digest_.get()));
  if (hash_bytes_ > hash_bytes_max || block_bytes_ > block_bytes_max) return;
  const auto make = [] { return DigestContext(EVP_MD_CTX_new(), EVP_MD_CTX_free); };
  DigestContext work = make();
  bool made = work != nullptr;
  for (Keyed* keyed : {&kept_[0], &kept_[1], &kept_[2], &kept_[3], &once_}) {
    keyed->inner = make();
    keyed->outer = make();
    made = made && keyed->inner != nullptr && keyed->outer != nullptr;
  }
  made = made && EVP_DigestInit_ex2(work.get(), digest_.get(), nullptr) == 1 &&
         EVP_DigestFinal_ex(work.get(), raw(MutableBytes(empty_hash_)), nullptr) == 1;
  if (made) work_ = std::move(work);
}

/// Hashes the padded key for both halves (RFC 2104 section 2).
bool Hkdf::use(Keyed& keyed, Bytes key) noexcept {
  keyed.key_bytes = 0;
  if (key.size() > hash_bytes_) return false;
  std::array<std::byte, block_bytes_max> pad{};
  copy_into(pad, key);
  const auto begin = [&](EVP_MD_CTX* half, std::byte mask) {
    for (std::byte& byte : pad) byte ^= mask;
    return EVP_DigestInit_ex2(half, digest_.get(), nullptr) == 1 &&
           EVP_DigestUpdate(half, pad.data(), block_bytes_) == 1;
  };
  constexpr std::byte inner{0x36};
  constexpr std::byte outer{0x5c};
  const bool used = begin(keyed.inner.get(), inner) && begin(keyed.outer.get(), inner ^ outer);
  OPENSSL_cleanse(pad.data(), pad.size());
  return used;
}

/// Null without memory.
const Hkdf::Keyed* Hkdf::keyed(Bytes secret) noexcept {
  for (const Keyed& one : kept_) {
    if (one.key_bytes == secret.size() && one.key_bytes > 0 &&
        CRYPTO_memcmp(one.key.data(), secret.data(), secret.size()) == 0) {
      return &one;
    }
  }
  Keyed& made = kept_[oldest_];
  oldest_ = (oldest_ + 1) % kept_.size();
  if (!use(made, secret)) return nullptr;
  copy_into(made.key, secret);
  made.key_bytes = secret.size();
  return &made;
}

bool Hkdf::hmac(const Keyed& keyed, std::initializer_list<Bytes> message,
                MutableBytes out) noexcept {
  EVP_MD_CTX* work = work_.get();
  std::array<std::byte, hash_bytes_max> hash;
  bool hashed = EVP_MD_CTX_copy_ex(work, keyed.inner.get()) == 1;
  for (const Bytes piece : message) {
    hashed = hashed && EVP_DigestUpdate(work, piece.data(), piece.size()) == 1;
  }
  return hashed && EVP_DigestFinal_ex(work, raw(MutableBytes(hash)), nullptr) == 1 &&
         EVP_MD_CTX_copy_ex(work, keyed.outer.get()) == 1 &&
         EVP_DigestUpdate(work, hash.data(), hash_bytes_) == 1 &&
         EVP_DigestFinal_ex(work, raw(out), nullptr) == 1;
}

void Hkdf::forget() noexcept {
  for (Keyed& one : kept_) {
    if (one.key_bytes == 0) continue;
    OPENSSL_cleanse(one.key.data(), one.key.size());
    one.key_bytes = 0;
    EVP_MD_CTX_reset(one.inner.get());
    EVP_MD_CTX_reset(one.outer.get());
  }
}

bool Hkdf::extract(Bytes salt, Bytes secret, MutableBytes out) noexcept {
  const bool extracted = use(once_, salt) && hmac(once_, {secret}, out);
  EVP_MD_CTX_reset(once_.inner.get());
  EVP_MD_CTX_reset(once_.outer.get());
  return extracted;
}

bool Hkdf::expand(Bytes secret, Bytes info, MutableBytes out) noexcept {
  std::array<std::byte, hash_bytes_max> block;
  Bytes previous;
  const Keyed* key = keyed(secret);
  bool derived = key != nullptr && out.size() <= 255 * hash_bytes_;
  for (std::uint8_t number = 1; derived && !out.empty(); ++number) {
    const auto count = std::byte{number};
    const MutableBytes made = MutableBytes(block).first(hash_bytes_);
    derived = hmac(*key, {previous, info, Bytes(&count, 1)}, made);
    out = copy_into(out, Bytes(made).first(std::min(out.size(), hash_bytes_)));
    previous = made;
  }
  OPENSSL_cleanse(block.data(), block.size());
  return derived;
}

bool Hkdf::expand_label(Bytes secret, std::string_view label, Bytes context,
                        MutableBytes out) noexcept {
  constexpr std::string_view prefix = "tls13 ";
  std::array<std::byte, 4 + 32 + hash_bytes_max> info; // Longer labels no one has.
  const std::size_t label_bytes = prefix.size() + label.size();
  if (4 + label_bytes + context.size() > info.size()) return false;
  info[0] = static_cast<std::byte>(out.size() >> 8);
  info[1] = static_cast<std::byte>(out.size());
  info[2] = static_cast<std::byte>(label_bytes);
  MutableBytes rest = copy_into(MutableBytes(info).subspan(3), bytes_of(prefix));
  rest = copy_into(rest, bytes_of(label));
  rest.front() = static_cast<std::byte>(context.size());
  copy_into(rest.subspan(1), context);
  return expand(secret, Bytes(info).first(4 + label_bytes + context.size()), out);
}

} // namespace ringfort::tls
