// provider_context — what OpenSSL hands back with each call of the provider's functions. Included
// only by those.
#pragma once

#include <array>
#include <optional>

#include <openssl/core.h>

#include "tls/ecdh.hpp"
#include "tls/key_schedule.hpp"
#include "tls/x25519.hpp"

namespace ringfort::tls {

struct ProviderContext {
  OSSL_LIB_CTX* library = nullptr;
  std::optional<KeySchedule> key_schedule;
  std::optional<X25519> x25519; ///< none, if OpenSSL was built without it
  std::optional<Ecdh> ecdh;     ///< likewise

  // What is offered, each list ended by an empty entry.
  std::array<OSSL_ALGORITHM, 3> derivations{};
  std::array<OSSL_ALGORITHM, 2> macs{};
  std::array<OSSL_ALGORITHM, 3> keys{};
  std::array<OSSL_ALGORITHM, 3> exchanges{};
};

/// An entry of a list of functions.
template <class Function>
OSSL_DISPATCH entry(int id, Function* function) noexcept {
  return {id, reinterpret_cast<void (*)()>(function)};
}

} // namespace ringfort::tls
