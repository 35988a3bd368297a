#include "tls/key_schedule.hpp"

#include <algorithm>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "tls/openssl.hpp"
#include "tls/provider_context.hpp"

namespace ringfort::tls {

namespace {

constexpr std::array<std::byte, secret_bytes_max> zeros{};

/// What a derivation is given, each empty or null when it is not.
struct Given {
  std::string_view digest;
  std::string_view prefix;
  std::string_view label;
  Bytes key;
  Bytes salt;
  Bytes data;
  const OSSL_PARAM* mode = nullptr;

  explicit Given(const OSSL_PARAM* parameter) noexcept {
    for (; parameter != nullptr && parameter->key != nullptr; ++parameter) {
      const std::string_view name(parameter->key);
      if (parameter->data == nullptr) continue;
      const auto* begin = static_cast<const std::byte*>(parameter->data);
      const Bytes octets(begin, parameter->data_size);
      const std::string_view text(static_cast<const char*>(parameter->data), octets.size());
      if (name == OSSL_KDF_PARAM_DIGEST) digest = text;
      if (name == OSSL_KDF_PARAM_PREFIX) prefix = text;
      if (name == OSSL_KDF_PARAM_LABEL) label = text;
      if (name == OSSL_KDF_PARAM_KEY) key = octets;
      if (name == OSSL_KDF_PARAM_SALT) salt = octets;
      if (name == OSSL_KDF_PARAM_DATA) data = octets;
      if (name == OSSL_KDF_PARAM_MODE) mode = parameter;
    }
  }
};

} // namespace

/// As libssl calls it: a context keeps nothing, and all parameters come with the derivation.
struct KeyScheduleCallbacks {
  static void* new_context(void* provider) noexcept {
    return &*static_cast<ProviderContext*>(provider)->key_schedule;
  }
  static void free_context(void*) noexcept {}

  static int derive(void* context, unsigned char* out, std::size_t bytes,
                    const OSSL_PARAM parameters[]) noexcept {
    KeySchedule& self = *static_cast<KeySchedule*>(context);
    const Given given(parameters);
    KeySchedule::Schedule* schedule = self.schedule(given.digest);
    int step = -1;
    if (schedule == nullptr || given.mode == nullptr ||
        (!given.prefix.empty() && given.prefix != Hkdf::label_prefix) ||
        OSSL_PARAM_get_int(given.mode, &step) != 1) {
      return 0;
    }
    const MutableBytes made(reinterpret_cast<std::byte*>(out), bytes);
    switch (step) {
    case EVP_KDF_HKDF_MODE_EXTRACT_ONLY: return extract(*schedule, given, made) ? 1 : 0;
    case EVP_KDF_HKDF_MODE_EXPAND_ONLY: return expand(self, schedule->hkdf, given, made) ? 1 : 0;
    default: return 0;
    }
  }

  /// The next of Early, Handshake and Master Secret: from the one before, which is the salt, if
  /// there is one, and from what was agreed on, which is the key, if anything was.
  static bool extract(KeySchedule::Schedule& schedule, const Given& given,
                      MutableBytes out) noexcept {
    Hkdf& hkdf = schedule.hkdf;
    const std::size_t bytes = hkdf.hash_bytes();
    if (out.size() != bytes) return false;
    const Bytes early = Bytes(schedule.early_secret).first(bytes);
    if (given.key.empty() && given.salt.empty()) {
      copy_into(out, early);
      return true;
    }
    const Bytes agreed = given.key.empty() ? Bytes(zeros).first(bytes) : given.key;
    if (given.salt.empty()) return hkdf.extract({}, agreed, out);
    if (std::ranges::equal(given.salt, early)) {
      return hkdf.extract(Bytes(schedule.early_derived).first(bytes), agreed, out);
    }
    std::array<std::byte, secret_bytes_max> derived;
    const WipeGuard wipe(derived);
    const MutableBytes salt = MutableBytes(derived).first(bytes);
    return hkdf.expand_label(given.salt, given.label, hkdf.empty_hash(), salt) &&
           hkdf.extract(salt, agreed, out);
  }

  static bool expand(const KeySchedule& self, Hkdf& hkdf, const Given& given,
                     MutableBytes out) noexcept {
    if (!hkdf.expand_label(given.key, given.label, given.data, out)) return false;
    if (self.told_ == nullptr) return true;
    TrafficSecrets& told = *self.told_;
    if (given.label == "c ap traffic")
      tell(told.client, out);
    else if (given.label == "s ap traffic")
      tell(told.server, out);
    else if (given.label == "key" || given.label == "iv")
      tell_key(told, given, out);
    return true;
  }

  static void tell(TrafficSecret& told, Bytes secret) noexcept {
    if (secret.size() > told.secret.size()) return;
    told = {.secret_bytes = secret.size()};
    copy_into(told.secret, secret);
  }

  /// Of whichever secret it was derived from.
  static void tell_key(TrafficSecrets& told, const Given& given, Bytes made) noexcept {
    for (TrafficSecret* one : {&told.client, &told.server}) {
      if (!std::ranges::equal(one->bytes(), given.key)) continue;
      const bool is_key = given.label == "key";
      const MutableBytes to = is_key ? MutableBytes(one->key) : MutableBytes(one->iv);
      if (made.size() > to.size()) return;
      copy_into(to, made);
      (is_key ? one->key_bytes : one->iv_bytes) = made.size();
    }
  }
};

KeySchedule::Schedule::Schedule(OSSL_LIB_CTX* context, const char* hash) noexcept
    : hkdf(context, hash), prf(hkdf.digest()) {
  const std::size_t bytes = hkdf.hash_bytes();
  const MutableBytes early = MutableBytes(early_secret).first(bytes);
  if (!hkdf || !prf || !hkdf.extract({}, Bytes(zeros).first(bytes), early) ||
      !hkdf.expand_label(early, "derived", hkdf.empty_hash(),
                         MutableBytes(early_derived).first(bytes))) {
    hkdf = {};
  }
  hkdf.forget();
}

KeySchedule::KeySchedule(OSSL_LIB_CTX* context) noexcept
    : sha_256_(context, "SHA256"), sha_384_(context, "SHA384") {}

std::optional<KeySchedule> KeySchedule::create(OSSL_LIB_CTX* context) noexcept {
  KeySchedule made(context);
  if (!made.sha_256_.hkdf || !made.sha_384_.hkdf) return std::nullopt;
  return made;
}

KeySchedule::Schedule* KeySchedule::schedule(std::string_view hash) noexcept {
  // OpenSSL's first name for them, and the suites' own.
  if (hash == "SHA2-256" || hash == "SHA256") return &sha_256_;
  if (hash == "SHA2-384" || hash == "SHA384") return &sha_384_;
  return nullptr;
}

Hkdf* KeySchedule::hkdf(std::string_view hash) noexcept {
  Schedule* found = schedule(hash);
  return found == nullptr ? nullptr : &found->hkdf;
}

Prf* KeySchedule::prf(std::string_view hash) noexcept {
  Schedule* found = schedule(hash);
  return found == nullptr ? nullptr : &found->prf;
}

const EVP_MD* KeySchedule::digest(std::string_view name) noexcept {
  const Hkdf* found = hkdf(name);
  return found == nullptr ? nullptr : found->digest();
}

void KeySchedule::forget() noexcept {
  for (Schedule* one : {&sha_256_, &sha_384_}) {
    one->hkdf.forget();
    one->prf.forget();
  }
}

void KeySchedule::tell_key_block(Bytes block) noexcept {
  if (told_ == nullptr || block.size() > told_->key_block.size()) return;
  copy_into(told_->key_block, block);
  told_->key_block_bytes = block.size();
}

const OSSL_DISPATCH* KeySchedule::functions() noexcept {
  static const OSSL_DISPATCH functions[] = {
      entry(OSSL_FUNC_KDF_NEWCTX, KeyScheduleCallbacks::new_context),
      entry(OSSL_FUNC_KDF_FREECTX, KeyScheduleCallbacks::free_context),
      entry(OSSL_FUNC_KDF_DERIVE, KeyScheduleCallbacks::derive),
      {0, nullptr},
  };
  return functions;
}

} // namespace ringfort::tls
