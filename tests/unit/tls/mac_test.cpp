// HMAC in OpenSSL's place: the same answers as OpenSSL's own, however it is asked.
#include "tls/mac.hpp"

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "tls/library.hpp"
#include "tls/openssl.hpp"

namespace ringfort::tls {
namespace {

using MacOwner = std::unique_ptr<EVP_MAC, Freer<EVP_MAC_free>>;
using MacContextOwner = std::unique_ptr<EVP_MAC_CTX, Freer<EVP_MAC_CTX_free>>;
using Octets = std::vector<unsigned char>;

MacContextOwner context_of(OSSL_LIB_CTX* library) {
  const MacOwner mac(EVP_MAC_fetch(library, "HMAC", nullptr));
  REQUIRE(mac != nullptr);
  return MacContextOwner(EVP_MAC_CTX_new(mac.get()));
}

bool use_digest(EVP_MAC_CTX* context, const char* digest) {
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest), 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(context, parameters) == 1;
}

Octets finish(EVP_MAC_CTX* context) {
  Octets out(EVP_MAX_MD_SIZE);
  std::size_t bytes = 0;
  REQUIRE(EVP_MAC_final(context, out.data(), &bytes, out.size()) == 1);
  out.resize(bytes);
  return out;
}

struct Both {
  std::unique_ptr<Library> own = *Library::create();
  LibraryContextOwner plain{OSSL_LIB_CTX_new()};
};

TEST_CASE("HMAC: one-shot answers are OpenSSL's, for every digest and length of key") {
  const Both both;
  const MacOwner mac(EVP_MAC_fetch(both.own->context(), "HMAC", nullptr));
  CHECK(std::string(OSSL_PROVIDER_get0_name(EVP_MAC_get0_provider(mac.get()))) == "ringfort");
  const std::string message(300, 'm');
  for (const char* digest : {"SHA256", "SHA2-256", "SHA384", "SHA512", "SHA1"}) {
    for (const std::size_t key_bytes : {1U, 32U, 64U, 65U, 128U, 129U, 300U}) {
      const std::string key(key_bytes, 'k');
      const auto ask = [&](OSSL_LIB_CTX* library) {
        Octets out(EVP_MAX_MD_SIZE);
        std::size_t bytes = 0;
        const unsigned char* made =
            EVP_Q_mac(library, "HMAC", nullptr, digest, nullptr, key.data(), key.size(),
                      reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                      out.data(), out.size(), &bytes);
        REQUIRE(made != nullptr);
        out.resize(bytes);
        return out;
      };
      INFO(digest << " with a key of " << key_bytes);
      CHECK(ask(both.own->context()) == ask(both.plain.get()));
    }
  }
}

TEST_CASE("HMAC: begins anew with the same key, and a copy goes its own way") {
  const Both both;
  const auto ask = [](OSSL_LIB_CTX* library) {
    std::vector<Octets> answers;
    const MacContextOwner context = context_of(library);
    const unsigned char key[] = {1, 2, 3};
    const unsigned char text[] = {'a', 'b', 'c', 'd'};
    REQUIRE(use_digest(context.get(), "SHA512")); // One that no suite has.
    REQUIRE(EVP_MAC_init(context.get(), key, sizeof key, nullptr) == 1);
    CHECK(EVP_MAC_CTX_get_mac_size(context.get()) == 64);
    CHECK(EVP_MAC_CTX_get_block_size(context.get()) == 128);
    REQUIRE(EVP_MAC_update(context.get(), text, 2) == 1);
    const MacContextOwner copy(EVP_MAC_CTX_dup(context.get()));
    REQUIRE(copy != nullptr);
    REQUIRE(EVP_MAC_update(context.get(), text, sizeof text) == 1);
    answers.push_back(finish(context.get()));
    answers.push_back(finish(copy.get()));
    REQUIRE(EVP_MAC_init(context.get(), nullptr, 0, nullptr) == 1);
    REQUIRE(EVP_MAC_update(context.get(), text, sizeof text) == 1);
    answers.push_back(finish(context.get()));
    return answers;
  };
  CHECK(ask(both.own->context()) == ask(both.plain.get()));
}

TEST_CASE("HMAC: says no without a digest, without a key, and to an unknown digest") {
  const Both both;
  const MacContextOwner context = context_of(both.own->context());
  const unsigned char key[] = {1};
  CHECK(EVP_MAC_init(context.get(), key, sizeof key, nullptr) != 1);
  CHECK(EVP_MAC_CTX_get_mac_size(context.get()) == 0);
  CHECK_FALSE(use_digest(context.get(), "no such digest"));
  CHECK(MacContextOwner(EVP_MAC_CTX_dup(context.get())) != nullptr);
  CHECK(use_digest(context.get(), "SHA256"));
  CHECK(EVP_MAC_init(context.get(), nullptr, 0, nullptr) != 1);
  CHECK(EVP_MAC_update(context.get(), key, sizeof key) != 1);
  CHECK(EVP_MAC_init(context.get(), key, sizeof key, nullptr) == 1);
  ERR_clear_error();
}

} // namespace
} // namespace ringfort::tls
