#include "tls/prf.hpp"

#include <algorithm>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "tls/openssl.hpp"
#include "tls/provider_context.hpp"

namespace ringfort::tls {

Prf::Prf(const EVP_MD* digest) noexcept : digest_(digest) {
  if (digest == nullptr || !hmac_) return;
  hash_bytes_ = static_cast<std::size_t>(EVP_MD_get_size(digest));
  work_ = make_digest_context();
}

/// Only a master secret comes again.
bool Prf::use(Bytes secret) noexcept {
  if (holds_secret_ && secret.size() == secret_.size() &&
      CRYPTO_memcmp(secret.data(), secret_.data(), secret.size()) == 0) {
    return true;
  }
  forget();
  if (!hmac_.use(digest_, secret)) return false;
  holds_secret_ = secret.size() == secret_.size();
  if (holds_secret_) copy_into(secret_, secret);
  return true;
}

bool Prf::hash(Bytes chained, std::span<const Bytes> seed, MutableBytes out) noexcept {
  bool hashed = hmac_.begin(work_.get()) &&
                EVP_DigestUpdate(work_.get(), chained.data(), chained.size()) == 1;
  for (const Bytes piece : seed) {
    hashed = hashed && EVP_DigestUpdate(work_.get(), piece.data(), piece.size()) == 1;
  }
  return hashed && hmac_.end(work_.get(), out);
}

// A(0) = seed, A(i) = HMAC(secret, A(i-1)); the output: HMAC(secret, A(i) + seed), i from 1 on.
bool Prf::derive(Bytes secret, std::span<const Bytes> seed, MutableBytes out) noexcept {
  std::array<std::byte, EVP_MAX_MD_SIZE> chain;
  std::array<std::byte, EVP_MAX_MD_SIZE> block;
  const WipeGuard wipe_chain(chain);
  const WipeGuard wipe_block(block);
  const MutableBytes link = MutableBytes(chain).first(hash_bytes_);
  const MutableBytes made = MutableBytes(block).first(hash_bytes_);
  bool derived = use(secret) && hash({}, seed, link);
  while (derived && !out.empty()) {
    derived = hash(link, seed, made);
    out = copy_into(out, Bytes(made).first(std::min(out.size(), made.size())));
    if (derived && !out.empty()) derived = hash(link, {}, link);
  }
  return derived;
}

void Prf::forget() noexcept {
  EVP_MD_CTX_reset(work_.get()); // It ended with what was derived last.
  hmac_.forget();
  OPENSSL_cleanse(secret_.data(), secret_.size());
  holds_secret_ = false;
}

namespace {

/// As libssl calls it: a context keeps nothing, and all parameters come with the derivation.
void* new_context(void* provider) noexcept {
  return &*static_cast<ProviderContext*>(provider)->key_schedule;
}

void free_context(void*) noexcept {}

int derive_asked(void* context, unsigned char* out, std::size_t bytes,
                 const OSSL_PARAM parameters[]) noexcept {
  constexpr std::size_t pieces_max = 5; // Of the seed: as many as libssl ever gives.
  KeySchedule& schedule = *static_cast<KeySchedule*>(context);
  Prf* prf = nullptr;
  Bytes secret;
  std::array<Bytes, pieces_max> seed;
  std::size_t pieces = 0;
  for (const OSSL_PARAM* one = parameters; one != nullptr && one->key != nullptr; ++one) {
    const std::string_view name(one->key);
    const Bytes octets(static_cast<const std::byte*>(one->data), one->data_size);
    if (name == OSSL_KDF_PARAM_DIGEST) prf = schedule.prf(text_of(octets));
    if (name == OSSL_KDF_PARAM_SECRET) secret = octets;
    if (name != OSSL_KDF_PARAM_SEED || octets.empty()) continue;
    if (pieces == seed.size()) return 0;
    seed[pieces++] = octets;
  }
  const MutableBytes made(reinterpret_cast<std::byte*>(out), bytes);
  if (prf == nullptr || pieces == 0 || !prf->derive(secret, std::span(seed).first(pieces), made)) {
    return 0;
  }
  if (text_of(seed.front()) == "key expansion") schedule.tell_key_block(made);
  return 1;
}

} // namespace

const OSSL_DISPATCH* Prf::functions() noexcept {
  static const OSSL_DISPATCH functions[] = {
      entry(OSSL_FUNC_KDF_NEWCTX, new_context),
      entry(OSSL_FUNC_KDF_FREECTX, free_context),
      entry(OSSL_FUNC_KDF_DERIVE, derive_asked),
      {0, nullptr},
  };
  return functions;
}

} // namespace ringfort::tls
