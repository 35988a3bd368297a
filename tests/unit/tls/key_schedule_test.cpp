// The key schedule that stands in for OpenSSL's: as in RFC 8448 section 3, and as OpenSSL's own.
#include "tls/key_schedule.hpp"

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

namespace ringfort::tls {
namespace {

using Octets = std::vector<std::byte>;

struct Derivation {
  int mode;
  const char* hash;
  Octets key{};
  Octets salt{};
  std::string label{};
  Octets data{};
  std::size_t bytes = 32;
  std::string prefix{"tls13 "};
};

/// What "TLS13-KDF" of a library context answers; empty when it refuses.
Octets derive(OSSL_LIB_CTX* context, Derivation asked) {
  const KdfOwner kdf(EVP_KDF_fetch(context, OSSL_KDF_NAME_TLS1_3_KDF, nullptr));
  const KdfContextOwner made(EVP_KDF_CTX_new(kdf.get()));
  std::vector<OSSL_PARAM> parameters{
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &asked.mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(asked.hash), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, asked.prefix.data(),
                                        asked.prefix.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, asked.label.data(),
                                        asked.label.size())};
  const auto add = [&](const char* name, Octets& octets) {
    if (octets.empty()) return;
    parameters.push_back(OSSL_PARAM_construct_octet_string(name, octets.data(), octets.size()));
  };
  add(OSSL_KDF_PARAM_KEY, asked.key);
  add(OSSL_KDF_PARAM_SALT, asked.salt);
  add(OSSL_KDF_PARAM_DATA, asked.data);
  parameters.push_back(OSSL_PARAM_construct_end());
  Octets out(asked.bytes);
  const int derived = EVP_KDF_derive(made.get(), reinterpret_cast<unsigned char*>(out.data()),
                                     out.size(), parameters.data());
  ERR_clear_error();
  return derived == 1 ? out : Octets{};
}

constexpr int extract = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
constexpr int expand = EVP_KDF_HKDF_MODE_EXPAND_ONLY;

struct Both {
  std::unique_ptr<Library> library = *Library::create();
  LibraryContextOwner plain{OSSL_LIB_CTX_new()};

  Octets own(const Derivation& asked) { return derive(library->context(), asked); }
  Octets openssl(const Derivation& asked) { return derive(plain.get(), asked); }
};

Octets pattern(std::size_t bytes, unsigned start) {
  Octets made(bytes);
  for (std::size_t index = 0; index < bytes; ++index) {
    made[index] = static_cast<std::byte>(start + 7 * index);
  }
  return made;
}

TEST_CASE("key schedule: handshakes are served by it, not by OpenSSL's own") {
  const Both both;
  const KdfOwner kdf(EVP_KDF_fetch(both.library->context(), OSSL_KDF_NAME_TLS1_3_KDF, nullptr));
  REQUIRE(kdf != nullptr);
  CHECK(std::string(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf.get()))) == "ringfort");
}

TEST_CASE("key schedule: the three secrets as in RFC 8448") {
  Both both;
  const auto shared = from_hex("8b d4 05 4f b5 5b 9d 63 fd fb ac f9 f0 4b 9f 0d 35 e6 d6 3f 53 75 "
                               "63 ef d4 62 72 90 0f 89 49 2d");
  const Octets early = both.own({.mode = extract, .hash = "SHA256", .label = "derived"});
  CHECK(same_bytes(early, from_hex("33 ad 0a 1c 60 7e c0 3b 09 e6 cd 98 93 68 0c e2 10 ad f3 00 aa "
                                   "1f 26 60 e1 b2 2e 10 f1 70 f9 2a")));
  const Octets handshake = both.own({.mode = extract,
                                     .hash = "SHA256",
                                     .key = Octets(shared.begin(), shared.end()),
                                     .salt = early,
                                     .label = "derived"});
  CHECK(
      same_bytes(handshake, from_hex("1d c8 26 e9 36 06 aa 6f dc 0a ad c1 2f 74 1b 01 04 6a a6 b9 "
                                     "9f 69 1e d2 21 a9 f0 ca 04 3f be ac")));
  const Octets master =
      both.own({.mode = extract, .hash = "SHA256", .salt = handshake, .label = "derived"});
  CHECK(
      same_bytes(master, from_hex("18 df 06 84 3d 13 a0 8b f2 a4 49 84 4c 5f 8a 47 80 01 bc 4d 4c "
                                  "62 79 84 d5 a4 1d a8 d0 40 29 19")));
}

TEST_CASE("key schedule: every derivation is OpenSSL's, also when a secret comes again") {
  Both both;
  std::vector<Derivation> asked;
  for (const auto& [hash, bytes] : {std::pair{"SHA256", 32U}, {"SHA384", 48U}}) {
    asked.push_back({.mode = extract, .hash = hash, .label = "derived", .bytes = bytes});
    for (unsigned secret = 0; secret < 6; ++secret) { // More than are kept.
      const Octets key = pattern(bytes, secret);
      asked.push_back(
          {.mode = extract, .hash = hash, .key = key, .label = "derived", .bytes = bytes});
      asked.push_back(
          {.mode = extract, .hash = hash, .salt = key, .label = "derived", .bytes = bytes});
      asked.push_back({.mode = extract,
                       .hash = hash,
                       .key = pattern(66, 1), // as P-521 agrees on
                       .salt = key,
                       .label = "derived",
                       .bytes = bytes});
      for (const char* label : {"key", "iv", "finished", "c ap traffic"}) {
        for (const std::size_t out : {std::size_t{12}, std::size_t{32}, std::size_t{48}}) {
          asked.push_back({.mode = expand, .hash = hash, .key = key, .label = label, .bytes = out});
        }
        asked.push_back({.mode = expand,
                         .hash = hash,
                         .key = key,
                         .label = label,
                         .data = pattern(bytes, 3),
                         .bytes = bytes});
      }
    }
  }
  for (int round = 0; round < 2; ++round) {
    for (const Derivation& one : asked) {
      INFO(one.hash << " mode " << one.mode << " label " << one.label << " bytes " << one.bytes);
      const Octets expected = both.openssl(one);
      REQUIRE(!expected.empty());
      REQUIRE(both.own(one) == expected);
    }
    both.library->key_schedule().forget();
  }
}

TEST_CASE("key schedule: refuses what no suite derives") {
  Both both;
  const Octets key = pattern(32, 1);
  CHECK(both.own({.mode = expand, .hash = "SHA512", .key = key, .label = "key"}).empty());
  CHECK(both.own({.mode = 7, .hash = "SHA256", .key = key, .label = "key"}).empty());
  CHECK(both.own({.mode = expand, .hash = "SHA256", .key = key, .label = "key", .prefix = "quic "})
            .empty());
  CHECK(both.own({.mode = expand, .hash = "SHA256", .key = key, .label = std::string(250, 'a')})
            .empty());
  CHECK(both.own({.mode = extract, .hash = "SHA256", .key = key, .label = "derived", .bytes = 16})
            .empty());
}

TEST_CASE("key schedule: traffic secrets are told, with the keys derived from them") {
  Both both;
  TrafficSecrets told;
  const Octets master = pattern(32, 9);
  const Derivation client{.mode = expand, .hash = "SHA256", .key = master, .label = "c ap traffic"};
  {
    const KeySchedule::Telling telling(both.library->key_schedule(), told);
    const Octets secret = both.own(client);
    const Octets key =
        both.own({.mode = expand, .hash = "SHA256", .key = secret, .label = "key", .bytes = 16});
    const Octets iv =
        both.own({.mode = expand, .hash = "SHA256", .key = secret, .label = "iv", .bytes = 12});
    CHECK(same_bytes(told.client.bytes(), secret));
    CHECK(same_bytes(Bytes(told.client.key).first(told.client.key_bytes), key));
    CHECK(same_bytes(Bytes(told.client.iv).first(told.client.iv_bytes), iv));
  }
  CHECK(told.server.secret_bytes == 0);
  told = {};
  CHECK(!both.own(client).empty());
  CHECK(told.client.secret_bytes == 0); // No one listens.
}

} // namespace
} // namespace ringfort::tls
