#include "tls/x25519.hpp"

#include <vector>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "tls/base_algorithms.hpp"
#include "tls/openssl.hpp"
#include "tls/provider_context.hpp"

namespace ringfort::tls {

struct X25519::Parts {
  OSSL_LIB_CTX* library;
  const OSSL_PROVIDER* provider; ///< the base
  void* base;                    ///< its context

  // The base's functions that are called here.
  OSSL_FUNC_keymgmt_new_fn* new_key = nullptr;
  OSSL_FUNC_keymgmt_free_fn* free_key = nullptr;
  OSSL_FUNC_keymgmt_import_fn* import = nullptr;
  OSSL_FUNC_keymgmt_gen_init_fn* begin_generation = nullptr;
  OSSL_FUNC_keymgmt_gen_set_params_fn* set_parameters = nullptr;
  OSSL_FUNC_keymgmt_gen_fn* generate = nullptr;
  OSSL_FUNC_keymgmt_gen_cleanup_fn* end_generation = nullptr;
  OSSL_FUNC_keyexch_newctx_fn* new_exchange = nullptr;
  OSSL_FUNC_keyexch_init_fn* use_key = nullptr;
  OSSL_FUNC_keyexch_set_peer_fn* use_peer = nullptr;
  OSSL_FUNC_keyexch_derive_fn* agree = nullptr;
  OSSL_FUNC_keyexch_freectx_fn* free_exchange = nullptr;

  std::vector<OSSL_DISPATCH> key_functions;
  std::vector<OSSL_DISPATCH> exchange_functions;
  void* base_point = nullptr; ///< as a key: 9

  Parts(OSSL_LIB_CTX* library_, const OSSL_PROVIDER* base_) noexcept
      : library(library_), provider(base_), base(OSSL_PROVIDER_get0_provider_ctx(base_)) {}
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    if (base_point != nullptr) free_key(base_point);
  }

  void take_key_function(const OSSL_DISPATCH& one);
  void take_exchange_function(const OSSL_DISPATCH& one);
  void* imported(const Key* private_key, const Key& public_key) const noexcept;
};

/// What differs from the base's functions.
struct X25519Callbacks {
  using Parts = X25519::Parts;

  /// A generation under way: the base's own, and whether a whole key is wanted of it.
  struct Generation {
    const X25519& of;
    void* base;
    bool is_whole_key;
  };

  static const X25519& of(void* provider) noexcept {
    return *static_cast<ProviderContext*>(provider)->x25519;
  }

  static void* new_key(void* provider) noexcept {
    const Parts& parts = *of(provider).parts_;
    return parts.new_key(parts.base);
  }

  static void* begin(void* provider, int selection, const OSSL_PARAM parameters[]) noexcept {
    const X25519& self = of(provider);
    auto made = std::make_unique<Generation>(
        self, self.parts_->begin_generation(self.parts_->base, selection, parameters),
        (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0);
    return made->base == nullptr ? nullptr : made.release();
  }

  static int set_parameters(void* generation, const OSSL_PARAM parameters[]) noexcept {
    const auto& self = *static_cast<Generation*>(generation);
    return self.of.parts_->set_parameters(self.base, parameters);
  }

  static const OSSL_PARAM* settable_parameters(void*, void*) noexcept {
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0), OSSL_PARAM_END};
    return settable;
  }

  static void* generate(void* generation, OSSL_CALLBACK* progress, void* argument) noexcept {
    const auto& self = *static_cast<Generation*>(generation);
    const Parts& parts = *self.of.parts_;
    if (!self.is_whole_key) return parts.generate(self.base, progress, argument);
    X25519::Key private_key;
    const WipeGuard wipe(private_key);
    X25519::Key public_key;
    void* made = nullptr;
    if (RAND_priv_bytes_ex(parts.library, private_key.data(), private_key.size(), 0) == 1) {
      private_key.front() &= 0xf8; // RFC 7748 section 5, decodeScalar25519.
      private_key.back() = static_cast<unsigned char>((private_key.back() & 0x7f) | 0x40);
      if (self.of.public_key_of(private_key, public_key)) {
        made = parts.imported(&private_key, public_key);
      }
    }
    return made;
  }

  static void end(void* generation) noexcept {
    const std::unique_ptr<Generation> ended(static_cast<Generation*>(generation));
    if (ended != nullptr) ended->of.parts_->end_generation(ended->base);
  }

  static void* new_exchange(void* provider) noexcept {
    const Parts& parts = *of(provider).parts_;
    return parts.new_exchange(parts.base);
  }
};

/// Passes on what takes a key; what takes a provider or a generation is called through us, and what
/// we do not know is left out. (The lists of parameters that a key has take a provider too, and are
/// the same for every one.)
void X25519::Parts::take_key_function(const OSSL_DISPATCH& one) {
  switch (one.function_id) {
  case OSSL_FUNC_KEYMGMT_NEW: new_key = OSSL_FUNC_keymgmt_new(&one); return;
  case OSSL_FUNC_KEYMGMT_GEN_INIT: begin_generation = OSSL_FUNC_keymgmt_gen_init(&one); return;
  case OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS:
    set_parameters = OSSL_FUNC_keymgmt_gen_set_params(&one);
    return;
  case OSSL_FUNC_KEYMGMT_GEN: generate = OSSL_FUNC_keymgmt_gen(&one); return;
  case OSSL_FUNC_KEYMGMT_GEN_CLEANUP: end_generation = OSSL_FUNC_keymgmt_gen_cleanup(&one); return;
  case OSSL_FUNC_KEYMGMT_FREE: free_key = OSSL_FUNC_keymgmt_free(&one); break;
  case OSSL_FUNC_KEYMGMT_IMPORT: import = OSSL_FUNC_keymgmt_import(&one); break;
  case OSSL_FUNC_KEYMGMT_LOAD:
  case OSSL_FUNC_KEYMGMT_GET_PARAMS:
  case OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS:
  case OSSL_FUNC_KEYMGMT_SET_PARAMS:
  case OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS:
  case OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME:
  case OSSL_FUNC_KEYMGMT_HAS:
  case OSSL_FUNC_KEYMGMT_VALIDATE:
  case OSSL_FUNC_KEYMGMT_MATCH:
  case OSSL_FUNC_KEYMGMT_IMPORT_TYPES:
  case OSSL_FUNC_KEYMGMT_EXPORT:
  case OSSL_FUNC_KEYMGMT_EXPORT_TYPES:
  case OSSL_FUNC_KEYMGMT_DUP: break;
  default: return;
  }
  key_functions.push_back(one);
}

void X25519::Parts::take_exchange_function(const OSSL_DISPATCH& one) {
  switch (one.function_id) {
  case OSSL_FUNC_KEYEXCH_NEWCTX: new_exchange = OSSL_FUNC_keyexch_newctx(&one); return;
  case OSSL_FUNC_KEYEXCH_INIT: use_key = OSSL_FUNC_keyexch_init(&one); break;
  case OSSL_FUNC_KEYEXCH_SET_PEER: use_peer = OSSL_FUNC_keyexch_set_peer(&one); break;
  case OSSL_FUNC_KEYEXCH_DERIVE: agree = OSSL_FUNC_keyexch_derive(&one); break;
  case OSSL_FUNC_KEYEXCH_FREECTX: free_exchange = OSSL_FUNC_keyexch_freectx(&one); break;
  default: break;
  }
  exchange_functions.push_back(one);
}

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
  void* key = new_key(base);
  if (key != nullptr && import(key, selection, parameters.data()) == 1) return key;
  if (key != nullptr) free_key(key);
  return nullptr;
}

X25519::X25519(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
X25519::X25519(X25519&&) noexcept = default;
X25519& X25519::operator=(X25519&&) noexcept = default;
X25519::~X25519() = default;

std::optional<X25519> X25519::create(OSSL_LIB_CTX* context, OSSL_PROVIDER* base) {
  auto parts = std::make_unique<Parts>(context, base);
  const OSSL_DISPATCH* keys = functions_of(base, OSSL_OP_KEYMGMT, "X25519");
  for (; keys != nullptr && keys->function_id != 0; ++keys) parts->take_key_function(*keys);
  const OSSL_DISPATCH* exchanges = functions_of(base, OSSL_OP_KEYEXCH, "X25519");
  for (; exchanges != nullptr && exchanges->function_id != 0; ++exchanges) {
    parts->take_exchange_function(*exchanges);
  }
  const bool has_all = parts->new_key != nullptr && parts->free_key != nullptr &&
                       parts->import != nullptr && parts->begin_generation != nullptr &&
                       parts->set_parameters != nullptr && parts->generate != nullptr &&
                       parts->end_generation != nullptr && parts->new_exchange != nullptr &&
                       parts->use_key != nullptr && parts->use_peer != nullptr &&
                       parts->agree != nullptr && parts->free_exchange != nullptr;
  if (!has_all) return std::nullopt;
  using Callbacks = X25519Callbacks;
  for (const OSSL_DISPATCH& own :
       {entry(OSSL_FUNC_KEYMGMT_NEW, Callbacks::new_key),
        entry(OSSL_FUNC_KEYMGMT_GEN_INIT, Callbacks::begin),
        entry(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, Callbacks::set_parameters),
        entry(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, Callbacks::settable_parameters),
        entry(OSSL_FUNC_KEYMGMT_GEN, Callbacks::generate),
        entry(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, Callbacks::end), OSSL_DISPATCH{0, nullptr}}) {
    parts->key_functions.push_back(own);
  }
  parts->exchange_functions.push_back(entry(OSSL_FUNC_KEYEXCH_NEWCTX, Callbacks::new_exchange));
  parts->exchange_functions.push_back({0, nullptr});
  parts->base_point = parts->imported(nullptr, Key{9});
  if (parts->base_point == nullptr) return std::nullopt;
  return X25519(std::move(parts));
}

bool X25519::public_key_of(const Key& private_key, Key& public_key) const noexcept {
  const Parts& parts = *parts_;
  // Whatever it says is its public half: without one, the base would multiply the base point.
  void* key = parts.imported(&private_key, Key{9});
  void* exchange = parts.new_exchange(parts.base);
  std::size_t bytes = 0;
  const bool made = key != nullptr && exchange != nullptr &&
                    parts.use_key(exchange, key, nullptr) == 1 &&
                    parts.use_peer(exchange, parts.base_point) == 1 &&
                    parts.agree(exchange, public_key.data(), &bytes, public_key.size()) == 1 &&
                    bytes == public_key.size();
  if (exchange != nullptr) parts.free_exchange(exchange);
  if (key != nullptr) parts.free_key(key);
  return made;
}

bool X25519::tell_groups(OSSL_CALLBACK* told, void* argument) const noexcept {
  constexpr auto is_offered = [](unsigned id) { return id == 29; }; // RFC 8446 section 4.2.7
  return tls::tell_groups(parts_->provider, is_offered, told, argument);
}

const OSSL_DISPATCH* X25519::key_functions() const noexcept { return parts_->key_functions.data(); }

const OSSL_DISPATCH* X25519::exchange_functions() const noexcept {
  return parts_->exchange_functions.data();
}

} // namespace ringfort::tls
