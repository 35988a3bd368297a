#include "tls/hkdf.hpp"

#include <algorithm>
#include <array>

#include "tls/openssl.hpp"

namespace ringfort::tls {

Hkdf::Hkdf(OSSL_LIB_CTX* context, const char* hash) noexcept
    : digest_(EVP_MD_fetch(context, hash, nullptr), EVP_MD_free) {
  if (digest_ == nullptr) return;
  hash_bytes_ = static_cast<std::size_t>(EVP_MD_get_size(digest_.get()));
  if (hash_bytes_ > secret_bytes_max) return;
  DigestContext work = make_digest_context();
  const bool made = work != nullptr && once_ &&
                    std::ranges::all_of(kept_, [](const Kept& one) { return bool(one.hmac); }) &&
                    EVP_DigestInit_ex2(work.get(), digest_.get(), nullptr) == 1 &&
                    EVP_DigestFinal_ex(work.get(), raw(empty_hash_), nullptr) == 1;
  if (made) work_ = std::move(work);
}

/// Null without memory.
const Hmac* Hkdf::hmac_of(Bytes secret) noexcept {
  if (secret.empty() || secret.size() > hash_bytes_) return nullptr;
  for (const Kept& one : kept_) {
    if (one.secret_bytes == secret.size() &&
        CRYPTO_memcmp(one.secret.data(), secret.data(), secret.size()) == 0) {
      return &one.hmac;
    }
  }
  Kept& made = kept_[oldest_];
  oldest_ = (oldest_ + 1) % kept_.size();
  copy_into(made.secret, secret);
  made.secret_bytes = secret.size();
  if (made.hmac.use(digest_.get(), secret)) return &made.hmac;
  forget();
  return nullptr;
}

bool Hkdf::hash(const Hmac& hmac, std::initializer_list<Bytes> message, MutableBytes out) noexcept {
  bool hashed = hmac.begin(work_.get());
  for (const Bytes piece : message) {
    hashed = hashed && EVP_DigestUpdate(work_.get(), piece.data(), piece.size()) == 1;
  }
  return hashed && hmac.end(work_.get(), out);
}

void Hkdf::forget() noexcept {
  EVP_MD_CTX_reset(work_.get()); // It ended with what was derived last.
  for (Kept& one : kept_) {
    if (one.secret_bytes == 0) continue;
    OPENSSL_cleanse(one.secret.data(), one.secret.size());
    one.secret_bytes = 0;
    one.hmac.forget();
  }
}

bool Hkdf::extract(Bytes salt, Bytes secret, MutableBytes out) noexcept {
  const bool extracted = once_.use(digest_.get(), salt) && hash(once_, {secret}, out);
  once_.forget();
  return extracted;
}

bool Hkdf::expand(Bytes secret, Bytes info, MutableBytes out) noexcept {
  std::array<std::byte, secret_bytes_max> block;
  const WipeGuard wipe(block);
  Bytes previous;
  const Hmac* key = hmac_of(secret);
  bool derived = key != nullptr && out.size() <= 255 * hash_bytes_;
  for (std::uint8_t number = 1; derived && !out.empty(); ++number) {
    const auto count = std::byte{number};
    const MutableBytes made = MutableBytes(block).first(hash_bytes_);
    derived = hash(*key, {previous, info, Bytes(&count, 1)}, made);
    out = copy_into(out, Bytes(made).first(std::min(out.size(), hash_bytes_)));
    previous = made;
  }
  return derived;
}

bool Hkdf::expand_label(Bytes secret, std::string_view label, Bytes context,
                        MutableBytes out) noexcept {
  std::array<std::byte, 4 + 32 + secret_bytes_max> info; // Longer labels no one has.
  const std::size_t label_bytes = label_prefix.size() + label.size();
  if (4 + label_bytes + context.size() > info.size()) return false;
  info[0] = static_cast<std::byte>(out.size() >> 8);
  info[1] = static_cast<std::byte>(out.size());
  info[2] = static_cast<std::byte>(label_bytes);
  MutableBytes rest = copy_into(MutableBytes(info).subspan(3), bytes_of(label_prefix));
  rest = copy_into(rest, bytes_of(label));
  rest.front() = static_cast<std::byte>(context.size());
  copy_into(rest.subspan(1), context);
  return expand(secret, Bytes(info).first(4 + label_bytes + context.size()), out);
}

} // namespace ringfort::tls
