// What an identity may be given as, and what is said about one that clients will not like.
#include <ringfort/tls.hpp>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/identity.hpp"

namespace ringfort::tls {
namespace {

using peer::KeyType;
using peer::make_identity;

Result<Context> create(Identity identity) {
  ContextOptions options;
  options.identities.push_back(std::move(identity));
  return Context::create(std::move(options));
}

std::vector<Code> warned(const peer::Terms& terms) {
  const auto context = create(make_identity(terms));
  REQUIRE(context);
  std::vector<Code> codes;
  for (const Error& warning : context->warnings()) codes.push_back(warning.code);
  return codes;
}

TEST_CASE("identity: keys of each type that TLS 1.3 knows are taken") {
  for (const KeyType type :
       {KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::ed25519, KeyType::rsa_2048}) {
    CHECK(create(make_identity(type)));
  }
}

TEST_CASE("identity: a key or a certificate that is empty is tls_context.empty_identity") {
  Identity without_key = make_identity(KeyType::ecdsa_p256);
  without_key.key_pem.clear();
  CHECK(create(without_key).error().code == Code::tls_context_empty_identity);
  Identity without_chain = make_identity(KeyType::ecdsa_p256);
  without_chain.chain_pem.clear();
  CHECK(create(without_chain).error().code == Code::tls_context_empty_identity);
}

TEST_CASE("identity: RSA of 1024 bits is tls_context.too_weak") {
  CHECK(create(make_identity(KeyType::rsa_1024)).error().code == Code::tls_context_too_weak);
}

TEST_CASE("identity: two of one key type are tls_context.same_key_type") {
  ContextOptions options;
  options.identities = {make_identity(KeyType::ecdsa_p256), make_identity(KeyType::ecdsa_p384)};
  CHECK(Context::create(options).error().code == Code::tls_context_same_key_type);
}

TEST_CASE("SC-06: an encrypted key opens with its pass phrase, which is not kept") {
  Identity identity = make_identity(KeyType::ecdsa_p256);
  identity.key_pem = peer::encrypted_key(identity, "open sesame");
  CHECK(create(identity).error().code == Code::tls_context_no_pass_phrase);
  identity.pass_phrase = "open barley";
  CHECK(create(identity).error().code == Code::tls_context_wrong_pass_phrase);
  identity.pass_phrase = std::string(10'000, 'x');
  CHECK(create(identity).error().code == Code::tls_context_wrong_pass_phrase);
  identity.pass_phrase = "open sesame";
  const auto context = create(identity);
  REQUIRE(context);
  CHECK(context->options().identities[0].pass_phrase.empty());
  CHECK(context->options().identities[0].key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
}

TEST_CASE("identity: the pass phrase is asked for once, and only for an encrypted key") {
  int asked = 0;
  const Identity plain = make_identity(KeyType::rsa_2048);
  Identity identity = plain;
  const auto create = [&asked](const Identity& one) {
    ContextOptions options;
    options.identities.push_back(one);
    return Context::create(std::move(options), [&asked](std::size_t index) {
      CHECK(index == 0);
      ++asked;
      return std::string("open sesame");
    });
  };
  CHECK(create(identity));
  CHECK(asked == 0);
  identity.key_pem = peer::encrypted_key(plain, "open sesame");
  CHECK(create(identity));
  CHECK(asked == 1);
  identity.key_pem = peer::encrypted_key(plain, "another");
  CHECK(create(identity).error().code == Code::tls_context_wrong_pass_phrase);
  CHECK(asked == 2);
}

TEST_CASE("SC-07: a PKCS#12 container gives chain and key") {
  for (const std::string pass_phrase : {"open sesame", ""}) {
    const Identity identity = make_identity(KeyType::ecdsa_p256);
    const auto read =
        identity_of_pkcs12(bytes_of(peer::pkcs12_of(identity, pass_phrase)), pass_phrase);
    REQUIRE(read);
    CHECK(read->chain_pem == identity.chain_pem);
    CHECK(read->key_pem == identity.key_pem);
    CHECK(create(*read));
  }
}

TEST_CASE("SC-08: a PKCS#12 container is refused for what it lacks") {
  const Identity identity = make_identity(KeyType::ecdsa_p256);
  const std::string container = peer::pkcs12_of(identity, "right");
  const auto code = [](std::string_view bytes, const std::string& pass_phrase) {
    const auto read = identity_of_pkcs12(bytes_of(bytes), pass_phrase);
    REQUIRE_FALSE(read);
    return read.error().code;
  };
  CHECK(code(container, "wrong") == Code::tls_context_wrong_pass_phrase);
  CHECK(code(container, "") == Code::tls_context_no_pass_phrase);
  CHECK(code("", "right") == Code::tls_context_not_pkcs12);
  CHECK(code("junk", "right") == Code::tls_context_not_pkcs12);
  CHECK(code(container.substr(0, container.size() / 2), "right") == Code::tls_context_not_pkcs12);
  CHECK(code(peer::pkcs12_of(identity, "right", peer::Without::key), "right") ==
        Code::tls_context_pkcs12_without_key);
  CHECK(code(peer::pkcs12_of(identity, "right", peer::Without::certificates), "right") ==
        Code::tls_context_empty_identity);
}

TEST_CASE("identity: a good one is not warned about") {
  CHECK(warned({}).empty());
  CHECK(warned({.issued = true}).empty());
}

TEST_CASE("identity: dates that keep clients away are warned about") {
  using enum Code;
  CHECK(warned({.begins_days = -30, .ends_days = -1}) == std::vector{tls_context_expired});
  CHECK(warned({.begins_days = 1}) == std::vector{tls_context_not_yet_valid});
  CHECK(warned({.ends_days = 29}) == std::vector{tls_context_expires_soon});
  CHECK(warned({.ends_days = 30}).empty());
  const auto context = create(make_identity({.ends_days = 7}));
  REQUIRE(context);
  CHECK(context->warnings()[0].detail == 7);
}

TEST_CASE("SC-10: a leaf without its issuer is tls_context.chain_incomplete") {
  Identity identity = make_identity({.issued = true});
  identity.chain_pem.resize(identity.chain_pem.rfind("-----BEGIN"));
  const auto context = create(identity);
  REQUIRE(context);
  REQUIRE(context->warnings().size() == 1);
  CHECK(context->warnings()[0].code == Code::tls_context_chain_incomplete);
}

} // namespace
} // namespace ringfort::tls
