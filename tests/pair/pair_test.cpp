// Our server and OpenSSL's client joined by memory: each version, suite and key type, and what both
// can ask of each other afterwards.
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/pair/exchange.hpp"
#include "tests/pair/server.hpp"
#include "tests/peer/identity.hpp"

namespace ringfort::tls {
namespace {

using peer::KeyType;

const Context& context() {
  static const Context made = peer::make_context({KeyType::ecdsa_p256, KeyType::rsa_2048});
  return made;
}

struct Agreed {
  const char* suite;
  int version;
  int key_type; ///< EVP_PKEY_*
};

/// Every suite of ours with every key type that can sign for it.
auto every_suite() {
  return GENERATE(values<Agreed>({
      {"TLS_AES_128_GCM_SHA256", TLS1_3_VERSION, EVP_PKEY_EC},
      {"TLS_AES_128_GCM_SHA256", TLS1_3_VERSION, EVP_PKEY_RSA},
      {"TLS_AES_256_GCM_SHA384", TLS1_3_VERSION, EVP_PKEY_EC},
      {"TLS_AES_256_GCM_SHA384", TLS1_3_VERSION, EVP_PKEY_RSA},
      {"TLS_CHACHA20_POLY1305_SHA256", TLS1_3_VERSION, EVP_PKEY_EC},
      {"TLS_CHACHA20_POLY1305_SHA256", TLS1_3_VERSION, EVP_PKEY_RSA},
      {"ECDHE-ECDSA-AES128-GCM-SHA256", TLS1_2_VERSION, EVP_PKEY_EC},
      {"ECDHE-ECDSA-AES256-GCM-SHA384", TLS1_2_VERSION, EVP_PKEY_EC},
      {"ECDHE-ECDSA-CHACHA20-POLY1305", TLS1_2_VERSION, EVP_PKEY_EC},
      {"ECDHE-RSA-AES128-GCM-SHA256", TLS1_2_VERSION, EVP_PKEY_RSA},
      {"ECDHE-RSA-AES256-GCM-SHA384", TLS1_2_VERSION, EVP_PKEY_RSA},
      {"ECDHE-RSA-CHACHA20-POLY1305", TLS1_2_VERSION, EVP_PKEY_RSA},
  }));
}

peer::ClientOptions options_for(const Agreed& agreed) {
  peer::ClientOptions options;
  options.suites = agreed.suite;
  options.version_min = options.version_max = agreed.version;
  const bool rsa = agreed.key_type == EVP_PKEY_RSA;
  options.trusted_pem = context().options().identities[rsa ? 1 : 0].chain_pem;
  options.signatures = rsa ? "rsa_pss_rsae_sha256" : "ecdsa_secp256r1_sha256";
  return options;
}

TEST_CASE("pair: every version, suite and key type is agreed, verified, and carries data") {
  const Agreed agreed = every_suite();
  INFO(agreed.suite << " with key " << agreed.key_type);
  peer::Client client(options_for(agreed));
  PairServer server(context());
  converse(server, client);
  REQUIRE(client.failure().empty());
  REQUIRE(server.secured());
  CHECK(SSL_version(client.ssl()) == agreed.version);
  CHECK(server.facts().suite->name == agreed.suite);
  CHECK(std::string_view(SSL_get_cipher_name(client.ssl())) == agreed.suite);
  CHECK(server.facts().protocol == "http/1.1");
  CHECK(*server.facts().server_name == "localhost");
  CHECK_FALSE(server.facts().resumed);
  const peer::CertificateOwner leaf(SSL_get1_peer_certificate(client.ssl()));
  CHECK(EVP_PKEY_get_base_id(X509_get0_pubkey(leaf.get())) == agreed.key_type);
  exchange(server, client);
  client.close();
  converse(server, client);
  CHECK(server.closed());
  server.close();
  converse(server, client);
  CHECK(client.closed());
}

TEST_CASE("pair: the handshake and its records may arrive a byte at a time") {
  const Agreed agreed = every_suite();
  INFO(agreed.suite);
  peer::Client client(options_for(agreed));
  PairServer server(context());
  converse(server, client, 1);
  REQUIRE(server.secured());
  exchange(server, client, 1'000);
}

TEST_CASE("pair: data that comes with the last of the handshake is not lost") {
  const Agreed agreed = every_suite();
  INFO(agreed.suite);
  peer::Client client(options_for(agreed));
  PairServer server(context());
  // The client is brought to its end of the handshake, and what it sends then is held back.
  std::string held;
  while (!client.secured()) {
    held += client.take_outgoing();
    server.deliver(held);
    held.clear();
    client.deliver(bytes_of(server.take_outgoing()));
  }
  client.write("early bird");
  server.deliver(client.take_outgoing()); // Finished and the first record, in one piece.
  CHECK(server.received() == "early bird");
}

TEST_CASE("pair: groups that the client did not offer a share of are asked for again") {
  peer::ClientOptions options;
  options.groups = "P-521:P-384"; // The share sent is of P-521, which is not ours.
  options.version_min = TLS1_3_VERSION;
  peer::Client client(options);
  PairServer server(context());
  converse(server, client);
  REQUIRE(server.secured());
  exchange(server, client);
}

TEST_CASE("TE-08: a client without ALPN is served, one that offers http/1.1 among others too") {
  for (const bool offers : {false, true}) {
    peer::ClientOptions options;
    options.protocols =
        offers ? std::vector<std::string>{"h2", "http/1.1"} : std::vector<std::string>{};
    peer::Client client(options);
    PairServer server(context());
    converse(server, client);
    REQUIRE(server.secured());
    CHECK(server.facts().protocol == (offers ? "http/1.1" : ""));
  }
}

TEST_CASE("pair: a ticket resumes, in both versions, and another context refuses it") {
  const Context other = peer::make_context({KeyType::ecdsa_p256});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    peer::ClientOptions options;
    options.version_min = options.version_max = version;
    peer::Client first(options);
    PairServer full(context());
    converse(full, first);
    exchange(full, first);
    REQUIRE(first.sessions().size() == 1);
    options.session = first.sessions()[0].get();
    peer::Client second(options);
    PairServer resumed(context());
    converse(resumed, second);
    REQUIRE(resumed.secured());
    CHECK(resumed.facts().resumed);
    exchange(resumed, second);
    peer::Client third(options);
    PairServer stranger(other);
    converse(stranger, third);
    REQUIRE(stranger.secured());
    CHECK_FALSE(stranger.facts().resumed);
    exchange(stranger, third);
  }
}

TEST_CASE("pair: no tickets are sent when they are turned off") {
  ContextOptions options;
  options.tickets = 0;
  const Context without = peer::make_context({KeyType::ecdsa_p256}, options);
  peer::Client client;
  PairServer server(without);
  converse(server, client);
  exchange(server, client);
  for (const auto& session : client.sessions()) {
    CHECK(SSL_SESSION_has_ticket(session.get()) == 0);
  }
}

TEST_CASE("pair: the client's KeyUpdates are followed, and answered when they ask for it") {
  peer::ClientOptions options;
  options.version_min = TLS1_3_VERSION;
  peer::Client client(options);
  PairServer server(context());
  converse(server, client);
  for (const bool answered : {false, true, true, false}) {
    client.update_keys(answered);
    exchange(server, client);
  }
}

TEST_CASE("pair: our own KeyUpdates are followed by OpenSSL") {
  peer::Client client;
  PairServer server(context(), {.records_per_key = 3});
  converse(server, client);
  for (int round = 0; round < 5; ++round) exchange(server, client); // 4 records each.
}

TEST_CASE("pair: renegotiation is refused with an alert: tls_record.renegotiation") {
  peer::ClientOptions options;
  options.version_max = TLS1_2_VERSION;
  peer::Client client(options);
  PairServer server(context());
  converse(server, client);
  REQUIRE(server.secured());
  client.renegotiate();
  converse(server, client);
  REQUIRE(server.failure());
  CHECK(server.failure()->code == Code::tls_record_renegotiation);
  CHECK(client.failure().find("no renegotiation") != std::string::npos);
}

} // namespace
} // namespace ringfort::tls
