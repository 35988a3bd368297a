// Whom our client believes: chains, names, lists and pins, and what it says of the others.
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <openssl/x509_vfy.h>

#include "tests/pair/client.hpp"
#include "tests/peer/authority.hpp"
#include "tests/peer/server.hpp"
#include "tls/pins.hpp"

namespace ringfort::tls {
namespace {

using peer::Authority;
using peer::Issue;

Version either_version() { return GENERATE(Version::tls_1_2, Version::tls_1_3); }

/// What a server named localhost has.
Issue served(std::string names = "DNS:localhost") {
  return {.subject = "localhost", .names = std::move(names), .purpose = "serverAuth"};
}

ClientContextOptions believing(const Authority& authority, std::string lists = {}) {
  ClientContextOptions options;
  options.authorities_pem = authority.pem();
  options.revocation_lists_pem = std::move(lists);
  return options;
}

ServerName named(const std::string& name) { return {.asked = name, .proved = name}; }

/// One handshake with a server that has this identity.
struct Visit {
  Visit(const Identity& identity, ClientContextOptions options, const ServerName& name,
        Version version)
      : shard(in_version(std::move(options), version)), server({{.identity = &identity}}),
        client(shard, name) {
    converse(server, client);
  }
  static ClientContextOptions in_version(ClientContextOptions options, Version version) {
    options.version_min = options.version_max = version;
    return options;
  }
  Code code() const {
    REQUIRE(client.failure());
    return client.failure()->code;
  }
  const Diagnosis& diagnosis() const {
    REQUIRE(client.secured());
    return *client.facts().certificates;
  }

  ClientShard shard;
  peer::Server server;
  PairClient client;
};

bool believes(const Identity& identity, const ClientContextOptions& options,
              const ServerName& name = named("localhost")) {
  const Visit visit(identity, options, name, Version::tls_1_3);
  if (!visit.client.secured()) return false;
  CHECK(visit.diagnosis().verdict.accepts);
  return true;
}

struct Expected {
  Code code;
  int reason;        ///< X509_V_ERR
  const char* alias; ///< where nobody is verified
};

/// Refused, with an alert; and let in with the reason where nobody is verified.
void refuses(const Identity& identity, ClientContextOptions options, const Expected& expected,
             const ServerName& name = named("localhost")) {
  for (const Version version : {Version::tls_1_2, Version::tls_1_3}) {
    Visit refused(identity, options, name, version);
    CHECK(refused.code() == expected.code);
    CHECK(refused.client.failure()->detail == expected.reason);
    CHECK(refused.server.failure().find("alert") != std::string::npos);
    CHECK(refused.shard.context->sessions().count() == 0);
    options.verifies = false;
    const Visit served(identity, options, name, version);
    CHECK_FALSE(served.diagnosis().verdict.accepts);
    CHECK(served.diagnosis().verdict.alias == expected.alias);
    options.verifies = true;
  }
}

TEST_CASE("client: a server is believed by its authority, and its chain is told, leaf first") {
  const Version version = either_version();
  const Authority root("root");
  const Authority middle("middle", root);
  Identity identity = middle.issue(served("DNS:localhost,IP:127.0.0.1"));
  identity.chain_pem += middle.pem();
  const Visit visit(identity, believing(root), named("localhost"), version);
  const Diagnosis& diagnosis = visit.diagnosis();
  CHECK(diagnosis.verdict.accepts);
  CHECK(diagnosis.verdict.alias.empty());
  CHECK(diagnosis.findings.empty());
  REQUIRE(diagnosis.chain.size() == 2);
  CHECK(diagnosis.chain[0].subject == "CN=localhost");
  CHECK(diagnosis.chain[0].names == std::vector<std::string>{"localhost", "127.0.0.1"});
  CHECK(diagnosis.chain[1].subject == "CN=middle");
}

TEST_CASE("client: whoever is named is believed, self-signed or not, and extra ones besides") {
  const Authority root("root");
  const Authority middle("middle", root);
  const Identity identity = middle.issue(served());
  CHECK(believes(identity, believing(middle)));
  const Identity own = peer::make_identity(peer::KeyType::ecdsa_p256);
  ClientContextOptions options;
  options.authorities_pem = own.chain_pem;
  CHECK(believes(own, options));
  CHECK_FALSE(believes(identity, options));
  options.extra_authorities_pem = middle.pem();
  CHECK(believes(own, options));
  CHECK(believes(identity, options));
}

TEST_CASE(
    "client: a leaf alone of nobody known is tls_handshake.server_certificate_unknown_issuer") {
  const Authority root("root");
  const Authority middle("middle", root);
  const Identity identity = middle.issue(served()); // The one between is not sent.
  refuses(identity, believing(root),
          {Code::tls_handshake_server_certificate_unknown_issuer,
           X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"});
}

TEST_CASE("client: a chain that ends before its root is "
          "tls_handshake.server_certificate_unknown_issuer") {
  const Authority root("root");
  const Authority middle("middle", root);
  Identity identity = middle.issue(served());
  identity.chain_pem += middle.pem();
  refuses(identity, believing(Authority("another")),
          {Code::tls_handshake_server_certificate_unknown_issuer,
           X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"});
}

TEST_CASE("client: a root that is sent and not known is "
          "tls_handshake.server_certificate_untrusted_root") {
  const Authority root("root");
  Identity identity = root.issue(served());
  identity.chain_pem += root.pem();
  refuses(identity, believing(Authority("another")),
          {Code::tls_handshake_server_certificate_untrusted_root,
           X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "SELF_SIGNED_CERT_IN_CHAIN"});
}

TEST_CASE("client: one of its own make is tls_handshake.server_certificate_self_signed") {
  refuses(peer::make_identity(peer::KeyType::ecdsa_p256), believing(Authority("authority")),
          {Code::tls_handshake_server_certificate_self_signed,
           X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "DEPTH_ZERO_SELF_SIGNED_CERT"});
}

TEST_CASE("client: an authority of the same name with another key is not believed") {
  CHECK_FALSE(believes(Authority("authority").issue(served()), believing(Authority("authority"))));
}

TEST_CASE("client: one that has ended is tls_handshake.server_certificate_expired") {
  const Authority authority("authority");
  Issue issue = served();
  issue.begins_days = -9;
  issue.ends_days = -1;
  refuses(authority.issue(issue), believing(authority),
          {Code::tls_handshake_server_certificate_expired, X509_V_ERR_CERT_HAS_EXPIRED,
           "CERT_HAS_EXPIRED"});
}

TEST_CASE("client: one that has not begun is tls_handshake.server_certificate_not_yet_valid") {
  const Authority authority("authority");
  Issue issue = served();
  issue.begins_days = 2;
  refuses(authority.issue(issue), believing(authority),
          {Code::tls_handshake_server_certificate_not_yet_valid, X509_V_ERR_CERT_NOT_YET_VALID,
           "CERT_NOT_YET_VALID"});
}

TEST_CASE("client: one that its list names is tls_handshake.server_certificate_revoked") {
  const Authority authority("authority");
  const Identity bad = authority.issue(served());
  const std::string list = authority.revoke({&bad});
  CHECK(believes(authority.issue(served()), believing(authority, list)));
  refuses(
      bad, believing(authority, list),
      {Code::tls_handshake_server_certificate_revoked, X509_V_ERR_CERT_REVOKED, "CERT_REVOKED"});
}

TEST_CASE("client: no current list for the chain is tls_handshake.server_revocation_unknown") {
  const Authority authority("authority");
  const Identity identity = authority.issue(served());
  refuses(identity, believing(authority, authority.revoke({}, -1)),
          {Code::tls_handshake_server_revocation_unknown, X509_V_ERR_CRL_HAS_EXPIRED,
           "CRL_HAS_EXPIRED"});
  refuses(identity, believing(authority, Authority("another").revoke({})),
          {Code::tls_handshake_server_revocation_unknown, X509_V_ERR_UNABLE_TO_GET_CRL,
           "UNABLE_TO_GET_CRL"});
}

TEST_CASE("client: a key of 1,024 bits is tls_handshake.server_certificate_too_weak") {
  const Authority authority("authority");
  Issue issue = served();
  issue.type = peer::KeyType::rsa_1024;
  refuses(authority.issue(issue), believing(authority),
          {Code::tls_handshake_server_certificate_too_weak, X509_V_ERR_EE_KEY_TOO_SMALL,
           "CERT_UNTRUSTED"});
}

TEST_CASE("client: a client's certificate is tls_handshake.server_certificate_refused") {
  const Authority authority("authority");
  refuses(authority.issue({.names = "DNS:localhost"}), believing(authority),
          {Code::tls_handshake_server_certificate_refused, X509_V_ERR_INVALID_PURPOSE,
           "INVALID_PURPOSE"});
}

// ---------------------------------------------------------------------------- names

constexpr Expected wrong_name{Code::tls_handshake_server_certificate_wrong_name,
                              X509_V_ERR_HOSTNAME_MISMATCH, "ERR_TLS_CERT_ALTNAME_INVALID"};
constexpr Expected wrong_address{Code::tls_handshake_server_certificate_wrong_name,
                                 X509_V_ERR_IP_ADDRESS_MISMATCH, "ERR_TLS_CERT_ALTNAME_INVALID"};

TEST_CASE("client: another name is tls_handshake.server_certificate_wrong_name") {
  const Authority authority("authority");
  const Identity identity = authority.issue(served("DNS:localhost,DNS:*.example.org"));
  const ClientContextOptions options = believing(authority);
  for (const char* name : {"localhost", "LocalHost", "localhost.", "a.example.org"}) {
    CHECK(believes(identity, options, named(name)));
  }
  for (const char* name :
       {"example.org", "a.b.example.org", "localhost.example.com", "127.0.0.1"}) {
    CHECK_FALSE(believes(identity, options, named(name)));
  }
  refuses(identity, options, wrong_name, named("other.local"));
}

TEST_CASE("client: a common name proves nothing") {
  const Authority authority("authority");
  refuses(authority.issue(served("")), believing(authority), wrong_name);
  refuses(authority.issue(served("DNS:other.local")), believing(authority), wrong_name);
}

TEST_CASE("client: a wildcard for part of a label proves nothing") {
  const Authority authority("authority");
  const Identity identity = authority.issue(served("DNS:f*.example.org"));
  refuses(identity, believing(authority), wrong_name, named("foo.example.org"));
}

TEST_CASE("client: an address is proved as an address, and not as a name") {
  const Authority authority("authority");
  const Identity right = authority.issue(served("IP:192.0.2.1,IP:2001:db8::1"));
  for (const char* address : {"192.0.2.1", "2001:db8::1", "2001:DB8:0::1", "2001:db8::1%lo"}) {
    CHECK(believes(right, believing(authority), named(address)));
  }
  refuses(right, believing(authority), wrong_address, named("192.0.2.2"));
  const Identity texts = authority.issue(served("DNS:192.0.2.1"));
  refuses(texts, believing(authority), wrong_address, named("192.0.2.1"));
}

TEST_CASE("client: what is neither name nor address nobody proves, verified or not") {
  const Authority authority("authority");
  const Identity identity = authority.issue(served("DNS:*,DNS:.local,DNS:localhost"));
  ClientContextOptions options = believing(authority);
  for (const bool verifies : {true, false}) {
    options.verifies = verifies;
    for (const char* name : {"", ".", ".local", "*.local", "a b", "1.2.3", "[::1]"}) {
      const Visit visit(identity, options, named(name), Version::tls_1_3);
      CHECK(visit.code() == Code::tls_handshake_server_certificate_wrong_name);
    }
  }
}

// ---------------------------------------------------------------------------- pins

/// In base64, of the first certificate.
std::string pin_of(const std::string& pem) {
  const peer::BioOwner bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const peer::CertificateOwner certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  unsigned char* key = nullptr;
  const int bytes = i2d_PUBKEY(X509_get0_pubkey(certificate.get()), &key);
  Pin pin;
  REQUIRE(EVP_Digest(key, static_cast<std::size_t>(bytes), raw(pin), nullptr, EVP_sha256(),
                     nullptr) == 1);
  OPENSSL_free(key);
  unsigned char text[45];
  REQUIRE(EVP_EncodeBlock(text, raw(pin), static_cast<int>(pin.size())) == 44);
  return reinterpret_cast<const char*>(text);
}

TEST_CASE("client: the key of any certificate of the chain may be the pinned one") {
  const Authority root("root");
  const Authority middle("middle", root);
  Identity identity = middle.issue(served());
  identity.chain_pem += middle.pem();
  ClientContextOptions options = believing(root);
  for (const std::string& pem : {identity.chain_pem, middle.pem(), root.pem()}) {
    options.pins = {pin_of(Authority("another").pem()), pin_of(pem)};
    CHECK(believes(identity, options));
  }
}

TEST_CASE("client: a chain without a pinned key is tls_handshake.server_key_not_pinned") {
  const Authority authority("authority");
  const Authority other("authority");
  Identity identity = authority.issue(served());
  ClientContextOptions options = believing(authority);
  options.pins = {pin_of(other.pem())};
  const Expected not_pinned{Code::tls_handshake_server_key_not_pinned,
                            X509_V_ERR_APPLICATION_VERIFICATION, "CERT_UNTRUSTED"};
  refuses(identity, options, not_pinned);
  // What was sent besides is not of the chain.
  identity.chain_pem += other.pem();
  refuses(identity, options, not_pinned);
}

TEST_CASE("client: a pin does not stand in for an authority") {
  const Authority authority("authority");
  const Identity identity = authority.issue(served());
  ClientContextOptions options = believing(Authority("another"));
  options.pins = {pin_of(identity.chain_pem)};
  refuses(identity, options,
          {Code::tls_handshake_server_certificate_unknown_issuer,
           X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"});
}

} // namespace
} // namespace ringfort::tls
