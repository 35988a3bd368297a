// Our client with OpenSSL's server and with our own, joined by memory: each version, suite and key
// type, and what both can ask of each other afterwards.
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "tests/pair/exchange.hpp"
#include "tests/pair/client.hpp"
#include "tests/pair/server.hpp"
#include "tests/peer/authority.hpp"
#include "tests/peer/server.hpp"
#include "tls/suites.hpp"

namespace ringfort::tls {
namespace {

using peer::KeyType;

const Identity& ecdsa() {
  static const Identity made = peer::make_identity(KeyType::ecdsa_p256);
  return made;
}

const Identity& rsa() {
  static const Identity made = peer::make_identity(KeyType::rsa_2048);
  return made;
}

const Context& context() {
  static const Context made = [] {
    ContextOptions options;
    options.identities = {ecdsa(), rsa()};
    return *Context::create(std::move(options));
  }();
  return made;
}

ClientContextOptions believing(const Identity& identity) {
  ClientContextOptions options;
  options.authorities_pem = identity.chain_pem;
  return options;
}

constexpr std::string_view all_suites[] = {
    "TLS_AES_128_GCM_SHA256",        "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",  "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",   "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305"};

/// A suite, and who can sign for it.
struct Agreed {
  std::string suite{GENERATE(from_range(all_suites))};
  const Identity& identity = suite.contains("RSA-") && !suite.contains("ECDSA") ? rsa() : ecdsa();

  ClientContextOptions options() const {
    ClientContextOptions options = believing(identity);
    options.suites = suite;
    return options;
  }
};

template <class Server>
void whole_conversation(Server& server, PairClient& client, const Agreed& agreed,
                        std::size_t cut_bytes) {
  converse(server, client, cut_bytes);
  REQUIRE_FALSE(client.failure());
  REQUIRE(client.secured());
  CHECK(client.facts().suite->name == agreed.suite);
  CHECK(client.facts().protocol == "http/1.1");
  CHECK_FALSE(client.facts().resumed);
  CHECK(client.facts().certificates->verdict.accepts);
  exchange(server, client, cut_bytes);
  server.close();
  converse(server, client, cut_bytes);
  CHECK(client.closed());
  client.close();
  converse(server, client, cut_bytes);
  CHECK(server.closed());
}

TEST_CASE("client: every suite is agreed on with OpenSSL's server, verified, and carries data") {
  const Agreed agreed;
  for (const std::size_t cut_bytes : {std::size_t{1}, std::size_t{1'000}, SIZE_MAX}) {
    INFO(agreed.suite << " cut at " << cut_bytes);
    ClientShard shard(agreed.options());
    peer::Server server({{.identity = &agreed.identity}});
    PairClient client(shard);
    whole_conversation(server, client, agreed, cut_bytes);
  }
}

TEST_CASE("client: every suite is agreed on with our own server, verified, and carries data") {
  const Agreed agreed;
  for (const std::size_t cut_bytes : {std::size_t{1}, std::size_t{1'000}, SIZE_MAX}) {
    INFO(agreed.suite << " cut at " << cut_bytes);
    ClientShard shard(agreed.options());
    PairServer server(context(), Served{});
    PairClient client(shard);
    whole_conversation(server, client, agreed, cut_bytes);
  }
}

TEST_CASE("client: data that comes with the last of the handshake is not lost") {
  for (const Version version : {Version::tls_1_2, Version::tls_1_3}) {
    ClientContextOptions options = believing(ecdsa());
    options.version_max = version;
    ClientShard shard(options);
    PairServer server(context(), Served{});
    PairClient client(shard);
    std::string held; // What the server sends is held back until it has data, too.
    while (!server.secured()) {
      client.deliver(std::exchange(held, {}));
      server.deliver(client.take_outgoing());
      held = server.take_outgoing();
    }
    server.write("early bird");
    client.deliver(held + server.take_outgoing());
    REQUIRE_FALSE(client.failure());
    CHECK(client.received() == "early bird");
  }
}

TEST_CASE("client: a group of which no share was sent is asked for again") {
  ClientContextOptions options = believing(ecdsa());
  options.groups = "P-384:P-256";
  ClientShard shard(options);
  peer::Server server({{.groups = "P-256", .identity = &ecdsa()}});
  PairClient client(shard);
  converse(server, client);
  REQUIRE(client.secured());
  exchange(server, client);
}

TEST_CASE("client: a server that selects no protocol is spoken to") {
  ClientShard shard(believing(ecdsa()));
  peer::ServerOptions options{{.identity = &ecdsa()}};
  options.protocol = "";
  peer::Server server(options);
  PairClient client(shard);
  converse(server, client);
  REQUIRE(client.secured());
  CHECK(client.facts().protocol.empty());
}

TEST_CASE("client: a name is asked for as it is compared, an address is not asked for") {
  const peer::Authority authority("authority");
  const Identity identity = authority.issue(
      {.names = "DNS:www.example.org,IP:192.0.2.1,IP:2001:db8::1", .purpose = "serverAuth"});
  ClientContextOptions options;
  options.authorities_pem = authority.pem();
  ClientShard shard(options);
  struct Case {
    ServerName name;
    const char* asked;
  };
  for (const Case& one :
       {Case{{.asked = "www.example.org", .proved = "www.example.org"}, "www.example.org"},
        Case{{.asked = "WWW.Example.Org.", .proved = "WWW.Example.Org."}, "www.example.org"},
        Case{{.asked = "other.local", .proved = "www.example.org"}, "other.local"},
        Case{{.asked = "", .proved = "www.example.org"}, ""},
        Case{{.asked = "192.0.2.1", .proved = "192.0.2.1"}, ""},
        Case{{.asked = "2001:db8::1", .proved = "2001:db8::1"}, ""}}) {
    peer::Server server({{.identity = &identity}});
    PairClient client(shard, one.name);
    converse(server, client);
    REQUIRE(client.secured());
    CHECK(server.server_name() == one.asked);
  }
}

TEST_CASE("client: the server's KeyUpdates are followed, and answered when they ask for it") {
  ClientShard shard(believing(ecdsa()));
  peer::Server server({{.identity = &ecdsa()}});
  PairClient client(shard);
  converse(server, client);
  for (const bool answered : {false, true, true, false}) {
    server.update_keys(answered);
    exchange(server, client);
  }
}

TEST_CASE("client: our own KeyUpdates are followed by OpenSSL") {
  ClientShard shard(believing(ecdsa()));
  peer::Server server({{.identity = &ecdsa()}});
  PairClient client(shard, {.asked = "localhost", .proved = "localhost"}, std::time(nullptr),
                    {.records_per_key = 3});
  converse(server, client);
  for (int round = 0; round < 5; ++round) exchange(server, client);
}

TEST_CASE("client: renegotiation is refused with an alert: tls_record.renegotiation") {
  ClientContextOptions options = believing(ecdsa());
  options.version_max = Version::tls_1_2;
  ClientShard shard(options);
  peer::Server server({{.identity = &ecdsa()}});
  PairClient client(shard);
  converse(server, client);
  REQUIRE(client.secured());
  server.renegotiate();
  converse(server, client);
  REQUIRE(client.failure());
  CHECK(client.failure()->code == Code::tls_record_renegotiation);
  CHECK(server.failure().contains("no renegotiation"));
}

// ---------------------------------------------------------------------------- who the client is

Context asking(const peer::Authority& authority) {
  ContextOptions options;
  options.identities = {ecdsa()};
  options.clients = {.mode = ClientCertificates::Mode::required,
                     .authorities_pem = authority.pem()};
  return *Context::create(std::move(options));
}

TEST_CASE("client: its identity, chain and all, is shown to a server that asks, and to no other") {
  const Version version = GENERATE(Version::tls_1_2, Version::tls_1_3);
  const peer::Authority root("root");
  const peer::Authority middle("middle", root);
  Identity identity = middle.issue({.subject = "client of ours"});
  identity.chain_pem += middle.pem();
  ClientContextOptions options = believing(ecdsa());
  options.version_min = options.version_max = version;
  options.identity = identity;
  ClientShard shard(options);
  PairServer server(asking(root), Served{});
  PairClient client(shard);
  converse(server, client);
  REQUIRE(server.secured());
  CHECK(server.facts().client_certificate->facts.subject == "CN=client of ours");
  exchange(server, client);
  peer::Server indifferent({{.identity = &ecdsa()}});
  PairClient other(shard, {.asked = "", .proved = "localhost"});
  converse(indifferent, other);
  REQUIRE(other.secured());
  CHECK(indifferent.peer_subject().empty());
}

TEST_CASE("client: without an identity a server that requires one refuses it, with an alert") {
  constexpr int handshake_failure = 40;
  constexpr int certificate_required = 116;
  const Context context = asking(peer::Authority("authority"));
  ClientContextOptions options = believing(ecdsa());
  for (const bool newer : {false, true}) {
    options.version_max = newer ? Version::tls_1_3 : Version::tls_1_2;
    ClientShard shard(options);
    PairServer server(context, Served{});
    PairClient client(shard);
    converse(server, client);
    REQUIRE(client.failure());
    // In TLS 1.3 the client is done before the server has looked.
    CHECK(client.failure()->code ==
          (newer ? Code::tls_record_peer_alert : Code::tls_handshake_server_wants_certificate));
    CHECK(client.failure()->detail == (newer ? certificate_required : handshake_failure));
  }
}

} // namespace
} // namespace ringfort::tls
