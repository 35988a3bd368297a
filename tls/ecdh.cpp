#include "tls/ecdh.hpp"

#include <string_view>
#include <vector>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "tls/base_algorithms.hpp"
#include "tls/provider_context.hpp"

namespace ringfort::tls {

namespace {

/// As OpenSSL's table of TLS groups names them.
constexpr std::string_view prepared_groups[] = {"prime256v1", "secp384r1", "secp521r1"};

} // namespace

struct Ecdh::Parts {
  const OSSL_PROVIDER* provider; ///< the base
  void* base;                    ///< its context

  // The base's functions that are called here.
  OSSL_FUNC_keymgmt_new_fn* new_key = nullptr;
  OSSL_FUNC_keymgmt_free_fn* free_key = nullptr;
  OSSL_FUNC_keymgmt_gen_init_fn* begin_generation = nullptr;
  OSSL_FUNC_keymgmt_gen_set_template_fn* set_template = nullptr;
  OSSL_FUNC_keymgmt_gen_set_params_fn* set_parameters = nullptr;
  OSSL_FUNC_keymgmt_gen_settable_params_fn* settable_parameters = nullptr;
  OSSL_FUNC_keymgmt_gen_fn* generate = nullptr;
  OSSL_FUNC_keymgmt_gen_cleanup_fn* end_generation = nullptr;
  OSSL_FUNC_keyexch_newctx_fn* new_exchange = nullptr;

  std::vector<OSSL_DISPATCH> key_functions;
  std::vector<OSSL_DISPATCH> exchange_functions;
  std::array<void*, std::size(prepared_groups)> templates{}; ///< keys with a group and no more

  explicit Parts(const OSSL_PROVIDER* base_) noexcept
      : provider(base_), base(OSSL_PROVIDER_get0_provider_ctx(base_)) {}
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts() {
    for (void* key : templates) {
      if (key != nullptr) free_key(key);
    }
  }

  void take_key_function(const OSSL_DISPATCH& one);
  void take_exchange_function(const OSSL_DISPATCH& one);
  bool prepare() noexcept;
  void* template_for(const OSSL_PARAM parameters[]) const noexcept;
};

/// What differs from the base's functions.
struct EcdhCallbacks {
  using Parts = Ecdh::Parts;

  /// A generation under way, and the base's own.
  struct Generation {
    const Parts& of;
    void* base;
  };

  static const Parts& of(void* provider) noexcept {
    return *static_cast<ProviderContext*>(provider)->ecdh->parts_;
  }

  static void* new_key(void* provider) noexcept { return of(provider).new_key(of(provider).base); }

  static void* begin(void* provider, int selection, const OSSL_PARAM parameters[]) noexcept {
    const Parts& parts = of(provider);
    void* base = parts.begin_generation(parts.base, selection, nullptr);
    if (base == nullptr) return nullptr;
    auto* made = std::make_unique<Generation>(parts, base).release();
    if (parameters == nullptr || set_parameters(made, parameters) == 1) return made;
    end(made);
    return nullptr;
  }

  static int set_template(void* generation, void* key) noexcept {
    const auto& self = *static_cast<Generation*>(generation);
    return self.of.set_template(self.base, key);
  }

  static int set_parameters(void* generation, const OSSL_PARAM parameters[]) noexcept {
    const auto& self = *static_cast<Generation*>(generation);
    void* known = self.of.template_for(parameters);
    return known != nullptr ? self.of.set_template(self.base, known)
                            : self.of.set_parameters(self.base, parameters);
  }

  static const OSSL_PARAM* settable_parameters(void* generation, void* provider) noexcept {
    const Parts& parts = of(provider);
    void* base = generation == nullptr ? nullptr : static_cast<Generation*>(generation)->base;
    return parts.settable_parameters(base, parts.base);
  }

  static void* generate(void* generation, OSSL_CALLBACK* progress, void* argument) noexcept {
    const auto& self = *static_cast<Generation*>(generation);
    return self.of.generate(self.base, progress, argument);
  }

  static void end(void* generation) noexcept {
    const std::unique_ptr<Generation> ended(static_cast<Generation*>(generation));
    if (ended != nullptr) ended->of.end_generation(ended->base);
  }

  static void* new_exchange(void* provider) noexcept {
    return of(provider).new_exchange(of(provider).base);
  }
};

/// Passes on what takes a key; what takes a provider or a generation is called through us. Without
/// a function to validate keys OpenSSL takes each that could be made for valid
/// (provider-keymgmt(7)). Lists of parameters take a provider too, and are the same for every one.
void Ecdh::Parts::take_key_function(const OSSL_DISPATCH& one) {
  switch (one.function_id) {
  case OSSL_FUNC_KEYMGMT_VALIDATE: return;
  case OSSL_FUNC_KEYMGMT_NEW: new_key = OSSL_FUNC_keymgmt_new(&one); return;
  case OSSL_FUNC_KEYMGMT_GEN_INIT: begin_generation = OSSL_FUNC_keymgmt_gen_init(&one); return;
  case OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE:
    set_template = OSSL_FUNC_keymgmt_gen_set_template(&one);
    return;
  case OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS:
    set_parameters = OSSL_FUNC_keymgmt_gen_set_params(&one);
    return;
  case OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS:
    settable_parameters = OSSL_FUNC_keymgmt_gen_settable_params(&one);
    return;
  case OSSL_FUNC_KEYMGMT_GEN: generate = OSSL_FUNC_keymgmt_gen(&one); return;
  case OSSL_FUNC_KEYMGMT_GEN_CLEANUP: end_generation = OSSL_FUNC_keymgmt_gen_cleanup(&one); return;
  case OSSL_FUNC_KEYMGMT_FREE: free_key = OSSL_FUNC_keymgmt_free(&one); break;
  case OSSL_FUNC_KEYMGMT_LOAD:
  case OSSL_FUNC_KEYMGMT_GET_PARAMS:
  case OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS:
  case OSSL_FUNC_KEYMGMT_SET_PARAMS:
  case OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS:
  case OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME:
  case OSSL_FUNC_KEYMGMT_HAS:
  case OSSL_FUNC_KEYMGMT_MATCH:
  case OSSL_FUNC_KEYMGMT_IMPORT:
  case OSSL_FUNC_KEYMGMT_IMPORT_TYPES:
  case OSSL_FUNC_KEYMGMT_EXPORT:
  case OSSL_FUNC_KEYMGMT_EXPORT_TYPES:
  case OSSL_FUNC_KEYMGMT_DUP: break;
  default: return;
  }
  key_functions.push_back(one);
}

void Ecdh::Parts::take_exchange_function(const OSSL_DISPATCH& one) {
  if (one.function_id == OSSL_FUNC_KEYEXCH_NEWCTX) {
    new_exchange = OSSL_FUNC_keyexch_newctx(&one);
  } else {
    exchange_functions.push_back(one);
  }
}

/// Makes the templates. False, if a function is missing, or memory.
bool Ecdh::Parts::prepare() noexcept {
  const bool has_all = new_key != nullptr && free_key != nullptr && begin_generation != nullptr &&
                       set_template != nullptr && set_parameters != nullptr &&
                       settable_parameters != nullptr && generate != nullptr &&
                       end_generation != nullptr && new_exchange != nullptr;
  if (!has_all) return false;
  for (std::size_t index = 0; index < templates.size(); ++index) {
    const OSSL_PARAM group[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                         const_cast<char*>(prepared_groups[index].data()), 0),
        OSSL_PARAM_construct_end()};
    void* generation = begin_generation(base, OSSL_KEYMGMT_SELECT_ALL_PARAMETERS, group);
    if (generation == nullptr) return false;
    templates[index] = generate(generation, nullptr, nullptr);
    end_generation(generation);
    if (templates[index] == nullptr) return false;
  }
  return true;
}

/// Null, if something else than one of the prepared groups is asked for.
void* Ecdh::Parts::template_for(const OSSL_PARAM parameters[]) const noexcept {
  const bool is_one = parameters[0].key != nullptr && parameters[1].key == nullptr;
  const char* name = nullptr;
  if (!is_one || std::string_view(parameters[0].key) != OSSL_PKEY_PARAM_GROUP_NAME ||
      OSSL_PARAM_get_utf8_string_ptr(parameters, &name) != 1) {
    return nullptr;
  }
  for (std::size_t index = 0; index < templates.size(); ++index) {
    if (prepared_groups[index] == name) return templates[index];
  }
  return nullptr;
}

Ecdh::Ecdh(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Ecdh::Ecdh(Ecdh&&) noexcept = default;
Ecdh& Ecdh::operator=(Ecdh&&) noexcept = default;
Ecdh::~Ecdh() = default;

std::optional<Ecdh> Ecdh::create(OSSL_PROVIDER* base) {
  auto parts = std::make_unique<Parts>(base);
  const OSSL_DISPATCH* keys = functions_of(base, OSSL_OP_KEYMGMT, "EC");
  for (; keys != nullptr && keys->function_id != 0; ++keys) parts->take_key_function(*keys);
  const OSSL_DISPATCH* exchanges = functions_of(base, OSSL_OP_KEYEXCH, "ECDH");
  for (; exchanges != nullptr && exchanges->function_id != 0; ++exchanges) {
    parts->take_exchange_function(*exchanges);
  }
  if (!parts->prepare()) return std::nullopt;
  using Callbacks = EcdhCallbacks;
  for (const OSSL_DISPATCH& own :
       {entry(OSSL_FUNC_KEYMGMT_NEW, Callbacks::new_key),
        entry(OSSL_FUNC_KEYMGMT_GEN_INIT, Callbacks::begin),
        entry(OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE, Callbacks::set_template),
        entry(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, Callbacks::set_parameters),
        entry(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, Callbacks::settable_parameters),
        entry(OSSL_FUNC_KEYMGMT_GEN, Callbacks::generate),
        entry(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, Callbacks::end), OSSL_DISPATCH{0, nullptr}}) {
    parts->key_functions.push_back(own);
  }
  parts->exchange_functions.push_back(entry(OSSL_FUNC_KEYEXCH_NEWCTX, Callbacks::new_exchange));
  parts->exchange_functions.push_back({0, nullptr});
  return Ecdh(std::move(parts));
}

bool Ecdh::tell_groups(OSSL_CALLBACK* told, void* argument) const noexcept {
  // The curves over prime fields (RFC 4492 section 5.1.1), brainpool's among them (RFC 7027, RFC
  // 8734). The binary ones, 1 to 14, are those that policy refuses.
  constexpr auto is_offered = [](unsigned id) {
    return (id >= 15 && id <= 28) || (id >= 31 && id <= 33);
  };
  return tls::tell_groups(parts_->provider, is_offered, told, argument);
}

const OSSL_DISPATCH* Ecdh::key_functions() const noexcept { return parts_->key_functions.data(); }

const OSSL_DISPATCH* Ecdh::exchange_functions() const noexcept {
  return parts_->exchange_functions.data();
}

} // namespace ringfort::tls
