#include "tls/x25519.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "tls/base_exchange.hpp"
#include "tls/openssl.hpp"

namespace ringfort::tls {

struct X25519::Parts : BaseExchange {
  OSSL_LIB_CTX* library;
  void* base_point = nullptr; ///< as a key: 9

  Parts(OSSL_LIB_CTX* library_, const OSSL_PROVIDER* base)
      : BaseExchange(base, "X25519", "X25519"), library(library_) {}
  ~Parts() {
    if (base_point != nullptr) free_key(base_point);
  }

  void* imported(const Key* private_key, const Key& public_key) const noexcept;
  bool public_key_of(const Key& private_key, Key& public_key) const noexcept;
};

/// What differs from the base's functions.
struct X25519Callbacks {
  using Parts = X25519::Parts;

  static const BaseExchange& of(const ProviderContext& provider) noexcept {
    return *provider.x25519->parts_;
  }

  static int set_parameters(void* generation, const OSSL_PARAM parameters[]) noexcept {
    const auto& self = *static_cast<BaseGeneration*>(generation);
    return self.of.set_parameters(self.base, parameters);
  }

  static const OSSL_PARAM* settable_parameters(void*, void*) noexcept {
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0), OSSL_PARAM_END};
    return settable;
  }

  static void* generate(void* generation, OSSL_CALLBACK* progress, void* argument) noexcept {
    const auto& self = *static_cast<BaseGeneration*>(generation);
    const auto& parts = static_cast<const Parts&>(self.of);
    const bool is_whole_key = (self.selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0;
    if (!is_whole_key) return parts.generate(self.base, progress, argument);
    X25519::Key private_key;
    const WipeGuard wipe(private_key);
    X25519::Key public_key;
    void* made = nullptr;
    if (RAND_priv_bytes_ex(parts.library, private_key.data(), private_key.size(), 0) == 1) {
      private_key.front() &= 0xf8; // RFC 7748 section 5, decodeScalar25519.
      private_key.back() = static_cast<unsigned char>((private_key.back() & 0x7f) | 0x40);
      if (parts.public_key_of(private_key, public_key)) {
        made = parts.imported(&private_key, public_key);
      }
    }
    return made;
  }
};

/// A key of the base's from its two halves; null without memory.
void* X25519::Parts::imported(const Key* private_key, const Key& public_key) const noexcept {
  const auto octets = [](const char* name, const Key& key) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<unsigned char*>(key.data()),
                                             key.size());
  };
  std::array<OSSL_PARAM, 3> parameters{octets(OSSL_PKEY_PARAM_PUB_KEY, public_key),
                                       OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
  int selection = OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
  if (private_key != nullptr) {
    parameters[1] = octets(OSSL_PKEY_PARAM_PRIV_KEY, *private_key);
    selection |= OSSL_KEYMGMT_SELECT_PRIVATE_KEY;
  }
  void* key = new_key(context);
  if (key != nullptr && import(key, selection, parameters.data()) == 1) return key;
  if (key != nullptr) free_key(key);
  return nullptr;
}

bool X25519::Parts::public_key_of(const Key& private_key, Key& public_key) const noexcept {
  // Whatever it says is its public half: without one, the base would multiply the base point.
  void* key = imported(&private_key, Key{9});
  void* exchange = new_exchange(context);
  std::size_t bytes = 0;
  const bool made = key != nullptr && exchange != nullptr && use_key(exchange, key, nullptr) == 1 &&
                    use_peer(exchange, base_point) == 1 &&
                    agree(exchange, public_key.data(), &bytes, public_key.size()) == 1 &&
                    bytes == public_key.size();
  if (exchange != nullptr) free_exchange(exchange);
  if (key != nullptr) free_key(key);
  return made;
}

X25519::X25519(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
X25519::X25519(X25519&&) noexcept = default;
X25519& X25519::operator=(X25519&&) noexcept = default;
X25519::~X25519() = default;

std::optional<X25519> X25519::create(OSSL_LIB_CTX* context, OSSL_PROVIDER* base) {
  auto parts = std::make_unique<Parts>(context, base);
  if (!parts->has_all()) return std::nullopt;
  parts->base_point = parts->imported(nullptr, Key{9});
  if (parts->base_point == nullptr) return std::nullopt;
  complete<X25519Callbacks>(*parts);
  return X25519(std::move(parts));
}

bool X25519::public_key_of(const Key& private_key, Key& public_key) const noexcept {
  return parts_->public_key_of(private_key, public_key);
}

bool X25519::tell_groups(OSSL_CALLBACK* told, void* argument) const noexcept {
  constexpr auto is_offered = [](unsigned id) { return id == 29; }; // RFC 8446 section 4.2.7
  return parts_->tell_groups(is_offered, told, argument);
}

const OSSL_DISPATCH* X25519::key_functions() const noexcept { return parts_->key_functions.data(); }

const OSSL_DISPATCH* X25519::exchange_functions() const noexcept {
  return parts_->exchange_functions.data();
}

} // namespace ringfort::tls
