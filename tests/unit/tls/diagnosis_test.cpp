// What the certificate doctor says of good and of bad identities.
#include <ringfort/certificate.hpp>

#include <algorithm>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/identity.hpp"

namespace ringfort::tls {
namespace {

using peer::KeyType;
using peer::make_identity;

/// The last certificate of a chain: its authority's.
std::string authority_of(const Identity& identity) {
  return identity.chain_pem.substr(identity.chain_pem.rfind("-----BEGIN"));
}

Diagnosis diagnosed(const Identity& identity, const std::string& name,
                    const std::string& authorities) {
  auto diagnosis = diagnose(identity, name, authorities);
  REQUIRE(diagnosis);
  return std::move(*diagnosis);
}

TEST_CASE("diagnosis: the facts of a chain") {
  const Identity identity = make_identity({.type = KeyType::ecdsa_p384, .issued = true});
  const Diagnosis diagnosis = diagnosed(identity, "localhost", authority_of(identity));
  REQUIRE(diagnosis.chain.size() == 2);
  const CertificateFacts& leaf = diagnosis.chain[0];
  CHECK(leaf.subject == "CN=localhost");
  CHECK(leaf.issuer == "CN=authority");
  CHECK(leaf.names == std::vector<std::string>{"localhost", "127.0.0.1"});
  CHECK(leaf.key == "EC P-384");
  CHECK(leaf.signature == "ecdsa-with-SHA256");
  CHECK(leaf.fingerprint.size() == 64);
  constexpr std::int64_t day_s = 86'400;
  CHECK(leaf.not_after_unix_s - leaf.not_before_unix_s == 366 * day_s + 60);
  CHECK(diagnosis.chain[1].subject == "CN=authority");
  CHECK(diagnosis.findings.empty());
}

TEST_CASE("diagnosis: keys have names") {
  const auto key = [](KeyType type) { return diagnosed(make_identity(type), {}, {}).chain[0].key; };
  CHECK(key(KeyType::rsa_2048) == "RSA 2048");
  CHECK(key(KeyType::ecdsa_p256) == "EC P-256");
  CHECK(key(KeyType::ed25519) == "ED25519");
}

TEST_CASE("diagnosis: a client's verdict, by the name that it knows elsewhere") {
  const Identity own = make_identity(KeyType::ecdsa_p256);
  CHECK(diagnosed(own, "localhost", own.chain_pem).verdict.accepts);
  CHECK(diagnosed(own, "127.0.0.1", own.chain_pem).verdict.accepts);
  const Identity stranger = make_identity({.issued = true});
  const auto alias = [](const Identity& identity, const std::string& name,
                        const std::string& authorities) {
    const Verdict verdict = diagnosed(identity, name, authorities).verdict;
    CHECK_FALSE(verdict.accepts);
    return verdict.alias;
  };
  CHECK(alias(own, "localhost", authority_of(stranger)) == "DEPTH_ZERO_SELF_SIGNED_CERT");
  CHECK(alias(stranger, "localhost", own.chain_pem) == "SELF_SIGNED_CERT_IN_CHAIN");
  CHECK(alias(own, "example.org", own.chain_pem) == "ERR_TLS_CERT_ALTNAME_INVALID");
  CHECK(alias(own, "127.0.0.2", own.chain_pem) == "ERR_TLS_CERT_ALTNAME_INVALID");
  const Identity old = make_identity({.begins_days = -9, .ends_days = -1});
  CHECK(alias(old, "localhost", old.chain_pem) == "CERT_HAS_EXPIRED");
  const Identity early = make_identity({.begins_days = 1});
  CHECK(alias(early, "localhost", early.chain_pem) == "CERT_NOT_YET_VALID");
}

TEST_CASE("diagnosis: a name outside the certificate is tls_context.name_not_covered") {
  const Identity identity = make_identity(KeyType::ecdsa_p256);
  for (const char* name : {"example.org", "sub.localhost", "127.0.0.2", "::1"}) {
    const Diagnosis diagnosis = diagnosed(identity, name, identity.chain_pem);
    REQUIRE(diagnosis.findings.size() == 1);
    CHECK(diagnosis.findings[0].code == Code::tls_context_name_not_covered);
  }
  CHECK(diagnosed(identity, "LOCALHOST", identity.chain_pem).findings.empty());
}

TEST_CASE("diagnosis: a chain covers its names, and a wildcard only by that very wildcard") {
  const auto covered = [](const std::string& named, const char* asked) {
    const auto answer = covers(make_identity({.name = named}).chain_pem, asked);
    REQUIRE(answer);
    return *answer;
  };
  CHECK(covered("api.local", "api.local"));
  CHECK_FALSE(covered("api.local", "x.api.local"));
  CHECK(covered("*.tenant.local", "api.tenant.local"));
  CHECK(covered("*.tenant.local", "*.tenant.local"));
  CHECK_FALSE(covered("api.tenant.local", "*.tenant.local"));
  CHECK(covers("junk", "localhost").error().code == Code::tls_context_not_pem);
}

TEST_CASE("diagnosis: authorities that are none are tls_context.junk_authority") {
  const Identity identity = make_identity(KeyType::ecdsa_p256);
  const std::string whole = identity.chain_pem;
  for (const std::string& junk :
       {std::string("junk"), identity.key_pem, whole + whole.substr(0, whole.size() / 2)}) {
    const auto diagnosis = diagnose(identity, "localhost", junk);
    REQUIRE_FALSE(diagnosis);
    CHECK(diagnosis.error().code == Code::tls_context_junk_authority);
  }
}

TEST_CASE("diagnosis: what no context would take is refused with the same code") {
  Identity identity = make_identity(KeyType::ecdsa_p256);
  identity.key_pem = make_identity(KeyType::ecdsa_p256).key_pem;
  CHECK(diagnose(identity).error().code == Code::tls_context_key_mismatch);
}

} // namespace
} // namespace ringfort::tls
