#include "tls/ecdh.hpp"

#include <string_view>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "tls/base_exchange.hpp"

namespace ringfort::tls {

namespace {

/// As OpenSSL's table of TLS groups names them.
constexpr std::string_view prepared_groups[] = {"prime256v1", "secp384r1", "secp521r1"};

} // namespace

struct Ecdh::Parts : BaseExchange {
  std::array<void*, std::size(prepared_groups)> templates{}; ///< keys with a group and no more

  explicit Parts(const OSSL_PROVIDER* base) : BaseExchange(base, "EC", "ECDH") {}
  ~Parts() {
    for (void* key : templates) {
      if (key != nullptr) free_key(key);
    }
  }

  bool prepare() noexcept;
  void* template_for(const OSSL_PARAM parameters[]) const noexcept;
};

/// What differs from the base's functions.
struct EcdhCallbacks {
  static const BaseExchange& of(const ProviderContext& provider) noexcept {
    return *provider.ecdh->parts_;
  }

  static int set_template(void* generation, void* key) noexcept {
    const auto& self = *static_cast<BaseGeneration*>(generation);
    return self.of.set_template(self.base, key);
  }

  static int set_parameters(void* generation, const OSSL_PARAM parameters[]) noexcept {
    const auto& self = *static_cast<BaseGeneration*>(generation);
    void* known = static_cast<const Ecdh::Parts&>(self.of).template_for(parameters);
    return known != nullptr ? self.of.set_template(self.base, known)
                            : self.of.set_parameters(self.base, parameters);
  }

  static const OSSL_PARAM* settable_parameters(void* generation, void* provider) noexcept {
    const BaseExchange& base = of(*static_cast<ProviderContext*>(provider));
    const auto* begun = static_cast<BaseGeneration*>(generation);
    return base.settable_parameters(begun == nullptr ? nullptr : begun->base, base.context);
  }

  static void* generate(void* generation, OSSL_CALLBACK* progress, void* argument) noexcept {
    const auto& self = *static_cast<BaseGeneration*>(generation);
    return self.of.generate(self.base, progress, argument);
  }
};

/// Makes the templates. False, if a function is missing, or memory.
bool Ecdh::Parts::prepare() noexcept {
  if (!has_all() || set_template == nullptr) return false;
  for (std::size_t index = 0; index < templates.size(); ++index) {
    const OSSL_PARAM group[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                         const_cast<char*>(prepared_groups[index].data()), 0),
        OSSL_PARAM_construct_end()};
    void* generation = begin_generation(context, OSSL_KEYMGMT_SELECT_ALL_PARAMETERS, group);
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
  if (!parts->prepare()) return std::nullopt;
  // Without a function to validate keys OpenSSL takes each that could be made for valid
  // (provider-keymgmt(7)).
  std::erase_if(parts->key_functions, [](const OSSL_DISPATCH& one) {
    return one.function_id == OSSL_FUNC_KEYMGMT_VALIDATE;
  });
  complete<EcdhCallbacks>(*parts,
                          {entry(OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE, EcdhCallbacks::set_template)});
  return Ecdh(std::move(parts));
}

bool Ecdh::tell_groups(OSSL_CALLBACK* told, void* argument) const noexcept {
  // The curves over prime fields (RFC 4492 section 5.1.1), brainpool's among them (RFC 7027, RFC
  // 8734). The binary ones, 1 to 14, are those that policy refuses.
  constexpr auto is_offered = [](unsigned id) {
    return (id >= 15 && id <= 28) || (id >= 31 && id <= 33);
  };
  return parts_->tell_groups(is_offered, told, argument);
}

const OSSL_DISPATCH* Ecdh::key_functions() const noexcept { return parts_->key_functions.data(); }

const OSSL_DISPATCH* Ecdh::exchange_functions() const noexcept {
  return parts_->exchange_functions.data();
}

} // namespace ringfort::tls
