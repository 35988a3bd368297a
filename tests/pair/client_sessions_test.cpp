// Sessions that our client brings back: which are offered, to whom, how often and how long.
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/pair/client.hpp"
#include "tests/pair/server.hpp"
#include "tests/peer/authority.hpp"
#include "tests/peer/server.hpp"

namespace ringfort::tls {
namespace {

using peer::Authority;
using std::chrono::seconds;

Version either_version() { return GENERATE(Version::tls_1_2, Version::tls_1_3); }

/// An authority, a server of many names, and how long its sessions last.
struct House {
  explicit House(int ends_days = 365, seconds lifetime = seconds(7'200))
      : identity(authority.issue({.names = "DNS:localhost,DNS:a.local,DNS:b.local,DNS:c.local",
                                  .purpose = "serverAuth",
                                  .ends_days = ends_days})),
        context(make_context(identity, lifetime)) {}

  static Context make_context(const Identity& identity, seconds lifetime) {
    ContextOptions options;
    options.identities = {identity};
    options.ticket_lifetime = lifetime;
    options.ticket_keys = *TicketKeys::from_file_text(bytes_of(std::string(80, 'k')));
    return *Context::create(std::move(options));
  }
  ClientContextOptions options(Version version) const {
    ClientContextOptions options;
    options.authorities_pem = authority.pem();
    options.version_min = options.version_max = version;
    return options;
  }

  Authority authority{"authority"};
  Identity identity;
  Context context;
};

template <class Server>
void ping(Server& server, PairClient& client) {
  converse(server, client);
  REQUIRE_FALSE(client.failure());
  REQUIRE(client.secured());
  client.write("ping");
  server.write("pong");
  converse(server, client);
  REQUIRE_FALSE(client.failure());
  CHECK(server.received() == "ping");
  CHECK(client.received() == "pong");
}

ServerName named(const std::string& name, std::string key = {}) {
  return {.asked = name, .proved = name, .session_key = std::move(key)};
}

/// One whole conversation with our server, at a time; did it resume?
bool resumes(const House& house, ClientShard& shard, const ServerName& name = named("localhost"),
             std::int64_t now_unix_s = std::time(nullptr)) {
  PairServer server(house.context, Served{.now_unix_s = now_unix_s});
  PairClient client(shard, name, now_unix_s);
  ping(server, client);
  CHECK(client.facts().resumed == server.facts().resumed);
  CHECK_FALSE(server.facts().ticket_refused); // What is not good any more is not offered.
  return client.facts().resumed;
}

std::size_t count(const ClientShard& shard) { return shard.context->sessions().count(); }

TEST_CASE("sessions: one resumes at our server, and brings what was found of the server") {
  const House house;
  ClientShard shard(house.options(either_version()));
  std::string fingerprint;
  for (int visit = 0; visit < 4; ++visit) {
    PairServer server(house.context, Served{});
    PairClient client(shard);
    ping(server, client);
    CHECK(client.facts().resumed == (visit > 0));
    const Diagnosis& found = *client.facts().certificates;
    CHECK(found.verdict.accepts);
    REQUIRE(found.chain.size() == 1);
    if (visit == 0) fingerprint = found.chain[0].fingerprint;
    CHECK(found.chain[0].fingerprint == fingerprint);
    CHECK(count(shard) == 1);
  }
}

TEST_CASE("sessions: one resumes at OpenSSL's server, whatever the cut") {
  const House house;
  const Version version = either_version();
  for (const std::size_t cut_bytes : {std::size_t{1}, std::size_t{100}, SIZE_MAX}) {
    ClientShard shard(house.options(version));
    for (const bool again : {false, true}) {
      peer::Server server({{.identity = &house.identity}});
      PairClient client(shard);
      converse(server, client, cut_bytes);
      ping(server, client);
      CHECK(server.resumed() == again);
      CHECK(client.facts().resumed == again);
      CHECK(client.facts().certificates->verdict.accepts);
    }
  }
}

TEST_CASE("sessions: each suite's resume") {
  const House house;
  for (const char* suite : {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                            "TLS_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256",
                            "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
    ClientContextOptions options = house.options(Version::tls_1_3);
    options.version_min = Version::tls_1_2;
    options.suites = suite;
    ClientShard shard(options);
    CHECK_FALSE(resumes(house, shard));
    CHECK(resumes(house, shard));
  }
}

TEST_CASE("sessions: a ticket of TLS 1.3 is used once") {
  const House house;
  ClientShard shard(house.options(Version::tls_1_3));
  REQUIRE_FALSE(resumes(house, shard));
  CHECK(count(shard) == 1);
  const PairClient first(shard); // Has taken it along, and comes to nothing.
  CHECK(count(shard) == 0);
  CHECK_FALSE(resumes(house, shard));
}

TEST_CASE("sessions: several tickets serve several connections at the same time") {
  const House house;
  ClientShard shard(house.options(Version::tls_1_3));
  peer::ServerOptions options{{.identity = &house.identity}};
  options.tickets = 3;
  peer::Server giver(options);
  PairClient first(shard);
  ping(giver, first);
  CHECK(count(shard) == 3);
  std::vector<std::unique_ptr<PairClient>> clients;
  for (int one = 0; one < 3; ++one) clients.push_back(std::make_unique<PairClient>(shard));
  CHECK(count(shard) == 0);
  for (const auto& client : clients) {
    peer::Server server({{.identity = &house.identity}});
    ping(server, *client);
    CHECK(server.resumed());
  }
}

TEST_CASE("sessions: a ticket that is split over records serves like any other") {
  const House house;
  ClientShard shard(house.options(Version::tls_1_3));
  peer::Server giver({{.identity = &house.identity}});
  // A ticket holds its session, so this makes one that takes three records.
  const std::string facts(1'200, 'f');
  SSL_CTX_set_session_ticket_cb(
      SSL_get_SSL_CTX(giver.ssl()),
      [](SSL* ssl, void* text) {
        const auto& said = *static_cast<const std::string*>(text);
        return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), said.data(), said.size());
      },
      nullptr, const_cast<std::string*>(&facts));
  REQUIRE(SSL_set_max_send_fragment(giver.ssl(), 512) == 1);
  PairClient first(shard);
  ping(giver, first);
  CHECK(count(shard) == 2);
  peer::Server server({{.identity = &house.identity}});
  PairClient second(shard);
  ping(server, second);
  CHECK(server.resumed());
}

TEST_CASE("sessions: one of TLS 1.2 is used again and again, and kept once") {
  const House house;
  ClientShard shard(house.options(Version::tls_1_2));
  REQUIRE_FALSE(resumes(house, shard));
  PairClient first(shard);
  PairClient second(shard);
  for (PairClient* client : {&first, &second}) {
    PairServer server(house.context, Served{});
    ping(server, *client);
    CHECK(client->facts().resumed);
  }
  CHECK(count(shard) == 1);
}

TEST_CASE(
    "ID-13, CS-02: a session serves where name, question and place are the same, nowhere else") {
  const House house;
  ClientShard shard(house.options(either_version()));
  REQUIRE_FALSE(resumes(house, shard, named("a.local", "here")));
  for (const ServerName& other :
       {named("b.local", "here"), named("a.local", "there"),
        ServerName{.asked = "", .proved = "a.local", .session_key = "here"}}) {
    CHECK_FALSE(resumes(house, shard, other));
  }
  CHECK(resumes(house, shard, named("a.local", "here")));
}

TEST_CASE("ID-14: a session that began unverified never serves where servers are verified") {
  const House house;
  const Version version = either_version();
  ClientContextOptions options = house.options(version);
  options.authorities_pem = Authority("another").pem();
  ClientShard verifying(options);
  options.verifies = false;
  ClientShard unverified(options);
  CHECK_FALSE(resumes(house, unverified));
  PairServer server(house.context, Served{});
  PairClient client(unverified);
  ping(server, client);
  CHECK(client.facts().resumed);
  CHECK_FALSE(client.facts().certificates->verdict.accepts); // As when it began.
  CHECK(client.facts().certificates->verdict.alias == "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  CHECK(count(verifying) == 0);
  PairServer same(house.context, Served{});
  PairClient refused(verifying);
  converse(same, refused);
  REQUIRE(refused.failure());
  CHECK(refused.failure()->code == Code::tls_handshake_server_certificate_unknown_issuer);
}

TEST_CASE("CS-03: beyond sessions_max the oldest sessions go, of whichever server") {
  const House house;
  ClientContextOptions options = house.options(either_version());
  options.sessions_max = 2;
  ClientShard shard(options);
  for (const char* name : {"a.local", "b.local", "c.local"}) {
    CHECK_FALSE(resumes(house, shard, named(name)));
  }
  CHECK(count(shard) == 2);
  CHECK(resumes(house, shard, named("c.local")));
  CHECK(resumes(house, shard, named("b.local")));
  CHECK_FALSE(resumes(house, shard, named("a.local")));
  CHECK(count(shard) == 2);
}

TEST_CASE("CS-03: no sessions are kept where none are to be") {
  const House house;
  ClientContextOptions options = house.options(either_version());
  options.sessions_max = 0;
  ClientShard shard(options);
  for (int visit = 0; visit < 2; ++visit) CHECK_FALSE(resumes(house, shard));
  CHECK(count(shard) == 0);
}

TEST_CASE("sessions: one is not offered beyond the lifetime that the server said") {
  const House house(365, seconds(100));
  const Version version = either_version();
  const std::int64_t now_unix_s = std::time(nullptr);
  for (const int age_s : {99, 100}) {
    ClientShard shard(house.options(version));
    CHECK_FALSE(resumes(house, shard, named("localhost"), now_unix_s));
    CHECK(resumes(house, shard, named("localhost"), now_unix_s + age_s) == (age_s < 100));
  }
}

TEST_CASE("sessions: resumption after resumption ends seven days after the server proved itself") {
  constexpr std::int64_t day_s = 86'400;
  const House house(365, std::chrono::days(7));
  ClientShard shard(house.options(Version::tls_1_3));
  const std::int64_t now_unix_s = std::time(nullptr);
  CHECK_FALSE(resumes(house, shard, named("localhost"), now_unix_s));
  CHECK(resumes(house, shard, named("localhost"), now_unix_s + 6 * day_s));
  CHECK_FALSE(resumes(house, shard, named("localhost"), now_unix_s + 7 * day_s));
  CHECK(resumes(house, shard, named("localhost"), now_unix_s + 8 * day_s));
}

TEST_CASE("sessions: one does not outlive the certificate that was shown for it") {
  const House house(1, std::chrono::days(7));
  ClientShard shard(house.options(either_version()));
  const std::int64_t now_unix_s = std::time(nullptr);
  CHECK_FALSE(resumes(house, shard, named("localhost"), now_unix_s));
  CHECK(resumes(house, shard, named("localhost"), now_unix_s + 86'300));
  CHECK_FALSE(resumes(house, shard, named("localhost"), now_unix_s + 86'500));
}

TEST_CASE("sessions: a server that does not know one any more shakes hands anew") {
  const House house;
  ClientShard shard(house.options(either_version()));
  CHECK_FALSE(resumes(house, shard));
  ContextOptions options;
  options.identities = {house.identity};
  const Context other = *Context::create(std::move(options));
  PairServer server(other, Served{});
  PairClient client(shard);
  ping(server, client);
  CHECK(server.facts().ticket_refused);
  CHECK_FALSE(client.facts().resumed);
  CHECK(client.facts().certificates->verdict.accepts);
}

TEST_CASE("sessions: tickets that come after data are passed over") {
  const House house;
  ClientShard shard(house.options(Version::tls_1_3));
  peer::ServerOptions options{{.identity = &house.identity}};
  options.tickets = 0;
  peer::Server server(options);
  PairClient client(shard);
  ping(server, client);
  REQUIRE(SSL_new_session_ticket(server.ssl()) == 1);
  server.write("more");
  converse(server, client);
  REQUIRE_FALSE(client.failure());
  CHECK(client.received() == "pongmore");
  CHECK(count(shard) == 0);
}

TEST_CASE("sessions: a record that is no ticket is not taken for one: "
          "tls_record.unexpected_message") {
  const House house;
  ClientShard shard(house.options(Version::tls_1_3));
  PairServer server(house.context, Served{});
  ClientSession session(*shard.library, *shard.context, named("localhost"), std::time(nullptr));
  std::string to_client;
  while (true) {
    const auto progress = session.receive(bytes_of(to_client));
    REQUIRE(progress);
    if (progress->wants == Handshake::Wants::nothing) break;
    const std::string to_server(text_of(session.output()));
    session.output_sent(to_server.size());
    server.deliver(to_server);
    to_client = server.take_outgoing();
  }
  const std::string to_server(text_of(session.output()));
  server.deliver(to_server);
  const std::string ticket = server.take_outgoing();
  server.write("data");
  const std::string data = server.take_outgoing();
  CHECK(session.receive_ticket(bytes_of(ticket)));
  CHECK(count(shard) == 1);
  const auto taken = session.receive_ticket(bytes_of(data));
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == Code::tls_record_unexpected_message);
}

} // namespace
} // namespace ringfort::tls
