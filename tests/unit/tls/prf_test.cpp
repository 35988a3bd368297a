// The PRF of TLS 1.2 that stands in for OpenSSL's: as the published vectors, and as OpenSSL's own.
#include "tls/prf.hpp"

#include <array>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "tests/peer/identity.hpp"
#include "tests/unit/tls/hex.hpp"
#include "tls/library.hpp"
#include "tls/openssl.hpp"
#include "tls/traffic_keys.hpp"

namespace ringfort::tls {
namespace {

using Octets = std::vector<std::byte>;

/// What "TLS1-PRF" of a library context answers; empty when it refuses.
Octets derive(OSSL_LIB_CTX* context, const char* hash, Octets secret, std::vector<Octets> seed,
              std::size_t bytes) {
  const KdfOwner kdf(EVP_KDF_fetch(context, OSSL_KDF_NAME_TLS1_PRF, nullptr));
  const KdfContextOwner made(EVP_KDF_CTX_new(kdf.get()));
  std::vector<OSSL_PARAM> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(hash), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.data(), secret.size())};
  for (Octets& piece : seed) {
    parameters.push_back(
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, piece.data(), piece.size()));
  }
  parameters.push_back(OSSL_PARAM_construct_end());
  Octets out(bytes);
  const int derived = EVP_KDF_derive(made.get(), reinterpret_cast<unsigned char*>(out.data()),
                                     out.size(), parameters.data());
  ERR_clear_error();
  return derived == 1 ? out : Octets{};
}

Octets octets_of(std::string_view text) {
  const Bytes bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

Octets pattern(std::size_t bytes, unsigned start) {
  Octets made(bytes);
  for (std::size_t index = 0; index < bytes; ++index) {
    made[index] = static_cast<std::byte>(start + 11 * index);
  }
  return made;
}

TEST_CASE("PRF: handshakes are served by it, not by OpenSSL's own") {
  const auto library = *Library::create();
  const KdfOwner kdf(EVP_KDF_fetch(library->context(), OSSL_KDF_NAME_TLS1_PRF, nullptr));
  REQUIRE(kdf != nullptr);
  CHECK(std::string(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf.get()))) == "ringfort");
}

// The vectors that the IETF's TLS list published for P_SHA256 and P_SHA384, "test label".
TEST_CASE("PRF: the published vectors") {
  const auto library = *Library::create();
  CHECK(same_bytes(
      derive(library->context(), "SHA2-256", from_hex("9bbe436ba940f017b17652849a71db35"),
             {octets_of("test label"), from_hex("a0ba9f936cda311827a6f796ffd5198c")}, 100),
      from_hex("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9"
               "c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa4"
               "8082d122ee42c5a72e5a5110fff70187347b66")));
  CHECK(same_bytes(
      derive(library->context(), "SHA2-384", from_hex("b80b733d6ceefcdc71566ea48e5567df"),
             {octets_of("test label"), from_hex("cd665cf6a8447dd6ff8b27555edb7465")}, 148),
      from_hex("7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe3"
               "4f82b1233c9146a0e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d4"
               "16d473ebc2c5fd4abfdad05d9184259b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e5"
               "2655c9e9aee691c8f3a26854308d5eaa3be85e0990703d73e56f")));
}

TEST_CASE("PRF: as OpenSSL's own, for every length of secret, seed and output") {
  const auto library = *Library::create();
  const LibraryContextOwner plain(OSSL_LIB_CTX_new());
  for (const char* hash : {"SHA2-256", "SHA2-384"}) {
    for (const std::size_t secret_bytes : {1u, 32u, 47u, 48u, 49u, 64u, 66u, 128u, 129u, 200u}) {
      for (const std::size_t seed_bytes : {1u, 47u, 77u, 130u}) {
        for (const std::size_t bytes : {1u, 12u, 32u, 40u, 48u, 72u, 88u, 97u}) {
          const auto answer = [&](OSSL_LIB_CTX* context) {
            return derive(context, hash, pattern(secret_bytes, 3),
                          {octets_of("key expansion"), pattern(seed_bytes, 5)}, bytes);
          };
          const Octets own = answer(library->context());
          REQUIRE(own.size() == bytes);
          REQUIRE(own == answer(plain.get()));
        }
      }
    }
  }
}

TEST_CASE("PRF: a secret that was used before is not mistaken for another") {
  const auto library = *Library::create();
  Prf& prf = *library->key_schedule().prf("SHA256");
  const std::array<Bytes, 1> seed{bytes_of("seed")};
  Octets first(32);
  Octets second(32);
  Octets again(32);
  Octets other = pattern(Prf::master_secret_bytes, 1);
  REQUIRE(prf.derive(other, seed, first));
  other.back() ^= std::byte{1};
  REQUIRE(prf.derive(other, seed, second));
  CHECK(first != second);
  other.back() ^= std::byte{1};
  REQUIRE(prf.derive(other, seed, again));
  CHECK(first == again);
  prf.forget();
  REQUIRE(prf.derive(other, seed, again));
  CHECK(first == again);
}

TEST_CASE("PRF: without a seed, with too many pieces of it or another hash it refuses") {
  const auto library = *Library::create();
  OSSL_LIB_CTX* context = library->context();
  const Octets secret = pattern(48, 1);
  CHECK(derive(context, "SHA2-256", secret, {}, 12).empty());
  CHECK(derive(context, "SHA2-256", secret, {pattern(5, 1), {}, {}, {}, {}, {}}, 12).size() == 12);
  CHECK(derive(context, "SHA2-256", secret, std::vector<Octets>(6, pattern(5, 1)), 12).empty());
  CHECK(derive(context, "SHA2-512", secret, {pattern(5, 1)}, 12).empty());
}

TEST_CASE("PRF: a key block is told while a handshake listens, and nothing else is") {
  const auto library = *Library::create();
  OSSL_LIB_CTX* context = library->context();
  TrafficSecrets secrets;
  const Octets master = pattern(48, 9);
  {
    const KeySchedule::Telling telling(library->key_schedule(), secrets);
    derive(context, "SHA2-256", master, {octets_of("client finished"), pattern(32, 1)}, 12);
    CHECK(secrets.key_block_bytes == 0);
    const Octets block =
        derive(context, "SHA2-256", master, {octets_of("key expansion"), pattern(64, 1)}, 40);
    CHECK(same_bytes(Bytes(secrets.key_block).first(secrets.key_block_bytes), block));
    const auto keys =
        keys_of_block(*suite_of(0xc02b), Bytes(secrets.key_block).first(secrets.key_block_bytes));
    REQUIRE(keys);
    CHECK(same_bytes(keys->receive.key_bytes(), Bytes(block).first(16)));
    CHECK(same_bytes(keys->send.key_bytes(), Bytes(block).subspan(16, 16)));
    CHECK(same_bytes(Bytes(keys->send.iv).first(4), Bytes(block).subspan(36, 4)));
    CHECK(keys->send.sequence == 1);
  }
  derive(context, "SHA2-256", master, {octets_of("key expansion"), pattern(64, 2)}, 72);
  CHECK(secrets.key_block_bytes == 40);
}

} // namespace
} // namespace ringfort::tls
