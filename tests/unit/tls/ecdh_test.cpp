// ECDH that does not look twice: agrees as OpenSSL's own does, and takes no point that is none.
#include "tls/ecdh.hpp"

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <openssl/core_names.h>

#include "tests/peer/identity.hpp"
#include "tests/unit/tls/hex.hpp"
#include "tls/context.hpp"
#include "tls/library.hpp"
#include "tls/openssl.hpp"

namespace ringfort::tls {
namespace {

using PkeyContextOwner = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using Octets = std::vector<unsigned char>;

KeyOwner generate(OSSL_LIB_CTX* context, const char* group, bool only_parameters = false) {
  const PkeyContextOwner generation(EVP_PKEY_CTX_new_from_name(context, "EC", nullptr));
  EVP_PKEY* made = nullptr;
  const int begun = only_parameters ? EVP_PKEY_paramgen_init(generation.get())
                                    : EVP_PKEY_keygen_init(generation.get());
  REQUIRE(begun == 1);
  REQUIRE(EVP_PKEY_CTX_set_group_name(generation.get(), group) == 1);
  REQUIRE(EVP_PKEY_generate(generation.get(), &made) == 1);
  return KeyOwner(made);
}

Octets point_of(EVP_PKEY* key) {
  unsigned char* octets = nullptr;
  const std::size_t bytes = EVP_PKEY_get1_encoded_public_key(key, &octets);
  Octets point(octets, octets + bytes);
  OPENSSL_free(octets);
  return point;
}

/// As libssl does it: a peer's point, then the secret. Empty: one or the other was refused.
Octets agreed(OSSL_LIB_CTX* context, EVP_PKEY* own, const char* group, const Octets& point) {
  const KeyOwner peer = generate(context, group, true);
  Octets secret(128);
  std::size_t bytes = secret.size();
  const PkeyContextOwner exchange(EVP_PKEY_CTX_new_from_pkey(context, own, nullptr));
  const bool agreed =
      EVP_PKEY_set1_encoded_public_key(peer.get(), point.data(), point.size()) == 1 &&
      EVP_PKEY_derive_init(exchange.get()) == 1 &&
      EVP_PKEY_derive_set_peer(exchange.get(), peer.get()) == 1 &&
      EVP_PKEY_derive(exchange.get(), secret.data(), &bytes) == 1;
  ERR_clear_error();
  secret.resize(agreed ? bytes : 0);
  return secret;
}

struct Curve {
  const char* name;
  std::string_view prime; ///< of the field (FIPS 186-4 appendix D.1.2)
};

constexpr Curve curves[] = {
    {"P-256", "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"},
    {"P-384", "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff00000000"
              "00000000ffffffff"},
    {"P-521", "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
              "ffffffffffffffffffffffffffffffffffffffffffffffffffff"}};

TEST_CASE("ECDH: keys are made and agreed on by it, and the secret is OpenSSL's own") {
  const auto library = *Library::create();
  const LibraryContextOwner plain(OSSL_LIB_CTX_new());
  for (const Curve& curve : curves) {
    for (int round = 0; round < 4; ++round) {
      const KeyOwner own = generate(library->context(), curve.name);
      CHECK(std::string(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(own.get()))) == "ringfort");
      const KeyOwner other = generate(plain.get(), curve.name);
      const Octets here = agreed(library->context(), own.get(), curve.name, point_of(other.get()));
      const Octets there = agreed(plain.get(), other.get(), curve.name, point_of(own.get()));
      REQUIRE_FALSE(here.empty());
      CHECK(here == there);
    }
  }
}

TEST_CASE("ECDH: what is no point of the curve is refused") {
  const auto library = *Library::create();
  for (const Curve& curve : curves) {
    const KeyOwner own = generate(library->context(), curve.name);
    const auto refused = [&](const Octets& point) {
      return agreed(library->context(), own.get(), curve.name, point).empty();
    };
    const Octets good = point_of(generate(library->context(), curve.name).get());
    const std::size_t half_bytes = (good.size() - 1) / 2;
    CHECK_FALSE(refused(good));
    CHECK(refused({}));
    CHECK(refused({0}));                                                         // Infinity.
    for (const std::size_t at : {std::size_t{0}, half_bytes, good.size() - 1}) { // Off the curve.
      Octets changed = good;
      changed[at] ^= 1;
      CHECK(refused(changed));
    }
    Octets zero(good.size());
    zero.front() = 4;
    CHECK(refused(zero));
    CHECK(refused(Octets(good.begin(), good.end() - 1)));
    Octets longer = good;
    longer.push_back(0);
    CHECK(refused(longer));
    const std::vector<std::byte> prime = from_hex(curve.prime); // A coordinate out of the field.
    REQUIRE(prime.size() == half_bytes);
    for (const std::size_t at : {std::size_t{1}, 1 + half_bytes}) {
      Octets outside = good;
      for (std::size_t index = 0; index < half_bytes; ++index) {
        outside[at + index] = static_cast<unsigned char>(prime[index]);
      }
      CHECK(refused(outside));
    }
  }
}

TEST_CASE("ECDH: a curve whose cofactor is not 1 is no group of ours") {
  for (const char* binary : {"K-233", "B-283", "sect571r1"}) {
    ContextOptions options;
    options.identities = {peer::make_identity(peer::KeyType::ecdsa_p256)};
    options.groups = binary;
    const auto made = Context::create(std::move(options));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Code::tls_context_unknown_group);
  }
}

} // namespace
} // namespace ringfort::tls
