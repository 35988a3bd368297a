// X25519 keys made by the ladder: the same as OpenSSL's own.
#include "tls/x25519.hpp"

#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tls/library.hpp"
#include "tls/openssl.hpp"

namespace ringfort::tls {
namespace {

using PkeyContextOwner = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;

KeyOwner generate(OSSL_LIB_CTX* context) {
  const PkeyContextOwner generation(EVP_PKEY_CTX_new_from_name(context, "X25519", nullptr));
  EVP_PKEY* made = nullptr;
  REQUIRE(EVP_PKEY_keygen_init(generation.get()) == 1);
  REQUIRE(EVP_PKEY_generate(generation.get(), &made) == 1);
  return KeyOwner(made);
}

X25519::Key half_of(const EVP_PKEY* key, decltype(EVP_PKEY_get_raw_public_key)* read) {
  X25519::Key half;
  std::size_t bytes = half.size();
  REQUIRE(read(key, half.data(), &bytes) == 1);
  REQUIRE(bytes == half.size());
  return half;
}

X25519::Key private_half(const EVP_PKEY* key) { return half_of(key, EVP_PKEY_get_raw_private_key); }
X25519::Key public_half(const EVP_PKEY* key) { return half_of(key, EVP_PKEY_get_raw_public_key); }

X25519::Key agreed(OSSL_LIB_CTX* context, EVP_PKEY* own, EVP_PKEY* peer) {
  const PkeyContextOwner exchange(EVP_PKEY_CTX_new_from_pkey(context, own, nullptr));
  X25519::Key secret;
  std::size_t bytes = secret.size();
  REQUIRE(EVP_PKEY_derive_init(exchange.get()) == 1);
  REQUIRE(EVP_PKEY_derive_set_peer(exchange.get(), peer) == 1);
  REQUIRE(EVP_PKEY_derive(exchange.get(), secret.data(), &bytes) == 1);
  return secret;
}

TEST_CASE("X25519: a generated key's public half is what OpenSSL's own would be") {
  const auto library = *Library::create();
  const LibraryContextOwner plain(OSSL_LIB_CTX_new());
  for (int round = 0; round < 32; ++round) {
    const KeyOwner key = generate(library->context());
    CHECK(std::string(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key.get()))) == "ringfort");
    const X25519::Key half = private_half(key.get());
    CHECK((half.front() & 7) == 0); // RFC 7748 section 5
    CHECK((half.back() & 0xc0) == 0x40);
    const KeyOwner expected(
        EVP_PKEY_new_raw_private_key_ex(plain.get(), "X25519", nullptr, half.data(), half.size()));
    REQUIRE(expected != nullptr);
    CHECK(public_half(key.get()) == public_half(expected.get()));
  }
}

TEST_CASE("X25519: two keys agree, whoever made them") {
  const auto library = *Library::create();
  const LibraryContextOwner plain(OSSL_LIB_CTX_new());
  const KeyOwner own = generate(library->context());
  const KeyOwner other = generate(plain.get());
  const auto moved = [](OSSL_LIB_CTX* context, const EVP_PKEY* key) {
    const X25519::Key half = public_half(key);
    return KeyOwner(
        EVP_PKEY_new_raw_public_key_ex(context, "X25519", nullptr, half.data(), half.size()));
  };
  const KeyOwner other_here = moved(library->context(), other.get());
  const KeyOwner own_there = moved(plain.get(), own.get());
  CHECK(agreed(library->context(), own.get(), other_here.get()) ==
        agreed(plain.get(), other.get(), own_there.get()));
}

TEST_CASE("X25519: what is not generated is OpenSSL's: copies, comparison, an empty key") {
  const auto library = *Library::create();
  const KeyOwner key = generate(library->context());
  const KeyOwner copy(EVP_PKEY_dup(key.get()));
  REQUIRE(copy != nullptr);
  CHECK(EVP_PKEY_eq(key.get(), copy.get()) == 1);
  CHECK(EVP_PKEY_eq(key.get(), generate(library->context()).get()) == 0);
  // As libssl makes a peer's key: parameters first, then its public half.
  const PkeyContextOwner generation(
      EVP_PKEY_CTX_new_from_name(library->context(), "X25519", nullptr));
  EVP_PKEY* empty = nullptr;
  REQUIRE(EVP_PKEY_paramgen_init(generation.get()) == 1);
  REQUIRE(EVP_PKEY_CTX_set_group_name(generation.get(), "x25519") == 1);
  REQUIRE(EVP_PKEY_paramgen(generation.get(), &empty) == 1);
  const KeyOwner peer(empty);
  const X25519::Key half = public_half(key.get());
  REQUIRE(EVP_PKEY_set1_encoded_public_key(peer.get(), half.data(), half.size()) == 1);
  CHECK(public_half(peer.get()) == half);
}

} // namespace
} // namespace ringfort::tls
