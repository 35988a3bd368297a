// What a client's context refuses, and what it says of itself.
#include <ringfort/client_tls.hpp>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/authority.hpp"
#include "tests/peer/identity.hpp"

namespace ringfort::tls {
namespace {

using peer::Authority;
using peer::KeyType;

ClientContextOptions believing(std::string pem = Authority("authority").pem()) {
  ClientContextOptions options;
  options.authorities_pem = std::move(pem);
  return options;
}

Error refusal_of(ClientContextOptions options) {
  const auto context = ClientContext::create(std::move(options));
  REQUIRE_FALSE(context);
  return context.error();
}

TEST_CASE("client context: authorities that are none, or broken, are tls_context.junk_authority") {
  const std::string pem = Authority("authority").pem();
  for (const std::string& junk :
       {std::string("junk"), pem.substr(0, pem.size() / 2), pem + pem.substr(0, pem.size() / 2)}) {
    CHECK(refusal_of(believing(junk)).code == Code::tls_context_junk_authority);
    ClientContextOptions options = believing();
    options.extra_authorities_pem = junk;
    CHECK(refusal_of(options).code == Code::tls_context_junk_authority);
  }
}

TEST_CASE("client context: lists that are none are tls_context.junk_revocation_list") {
  ClientContextOptions options = believing();
  for (const std::string& junk : {std::string("junk"), options.authorities_pem}) {
    options.revocation_lists_pem = junk;
    CHECK(refusal_of(options).code == Code::tls_context_junk_revocation_list);
  }
}

TEST_CASE("client context: a pin that is none is tls_context.bad_pin, by its position") {
  const std::string pin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  ClientContextOptions options = believing();
  options.pins = {pin, pin};
  CHECK(ClientContext::create(options));
  for (const std::string& junk :
       {std::string(), std::string("junk"), pin.substr(1), 'A' + pin, "sha256/" + pin,
        std::string(44, 'A'), std::string(42, 'A') + "==", std::string(42, 'A') + "B=",
        ' ' + pin.substr(1), '*' + pin.substr(1), std::string(44, '=')}) {
    INFO(junk);
    options.pins = {pin, junk, junk};
    const Error error = refusal_of(options);
    CHECK(error.code == Code::tls_context_bad_pin);
    CHECK(error.detail == 2);
  }
}

TEST_CASE("client context: an identity is refused for what a server's is refused for") {
  ClientContextOptions options = believing();
  options.identity = peer::make_identity(KeyType::rsa_1024);
  CHECK(refusal_of(options).code == Code::tls_context_too_weak);
  const Identity good = peer::make_identity(KeyType::ecdsa_p256);
  options.identity = Identity{.chain_pem = good.chain_pem, .key_pem = "junk"};
  CHECK(refusal_of(options).code == Code::tls_context_key_unusable);
  options.identity->key_pem = peer::make_identity(KeyType::ecdsa_p256).key_pem;
  CHECK(refusal_of(options).code == Code::tls_context_key_mismatch);
  options.identity->key_pem = peer::encrypted_key(good, "secret");
  CHECK(refusal_of(options).code == Code::tls_context_no_pass_phrase);
  options.identity->pass_phrase = "wrong";
  CHECK(refusal_of(options).code == Code::tls_context_wrong_pass_phrase);
}

TEST_CASE("client context: an encrypted key is opened once, and its pass phrase forgotten") {
  const Identity good = peer::make_identity(KeyType::ecdsa_p256);
  ClientContextOptions options = believing();
  options.identity = Identity{.chain_pem = good.chain_pem,
                              .key_pem = peer::encrypted_key(good, "secret"),
                              .pass_phrase = "secret"};
  const auto context = ClientContext::create(options);
  REQUIRE(context);
  CHECK(context->options().identity->pass_phrase.empty());
  CHECK(context->options().identity->key_pem == good.key_pem);
}

TEST_CASE("client context: suites, groups, signatures and versions are refused as a server's are") {
  const auto with = [](auto change) {
    ClientContextOptions options = believing();
    change(options);
    return refusal_of(std::move(options)).code;
  };
  CHECK(with([](auto& options) { options.suites = "AES128-SHA"; }) ==
        Code::tls_context_no_usable_suite);
  CHECK(with([](auto& options) { options.groups = "P-257"; }) == Code::tls_context_unknown_group);
  CHECK(with([](auto& options) { options.signatures = "md5"; }) ==
        Code::tls_context_unknown_signature);
  CHECK(with([](auto& options) {
          options.version_min = Version::tls_1_3;
          options.version_max = Version::tls_1_2;
        }) == Code::tls_context_version_range);
  CHECK(with([](auto& options) { options.sessions_max = 65'537; }) == Code::config_invalid);
}

TEST_CASE("client context: its policy says what it speaks and whom it believes, a line each") {
  const Authority authority("authority");
  ClientContextOptions options = believing(authority.pem());
  options.version_min = Version::tls_1_3;
  options.extra_authorities_pem = Authority("extra").pem();
  options.revocation_lists_pem = authority.revoke({});
  options.identity = peer::make_identity(KeyType::ecdsa_p256);
  const auto says = [&options](std::string_view line) {
    const std::string policy = ClientContext::create(options)->policy();
    INFO(policy);
    CHECK(policy.contains(std::string(line) + "\n"));
  };
  for (const char* line :
       {"versions: TLSv1.3 to TLSv1.3",
        "suites: TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256",
        "groups: X25519 P-256 P-384", "protocols: http/1.1", "verification: yes",
        "authorities: 1 given, 1 extra, revocation lists 1", "pins: 0",
        "identity: shown when asked for", "sessions: 100", "key log: no", "early data: no",
        "renegotiation: no", "compression: no"}) {
    says(line);
  }
  options.verifies = false;
  says("verification: no: anybody is believed");
}

} // namespace
} // namespace ringfort::tls
