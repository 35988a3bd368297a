// Clients that say who they are: who gets in, who is told what, and what is known of them after.
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <openssl/x509_vfy.h>

#include "tests/pair/server.hpp"
#include "tests/peer/authority.hpp"
#include "tests/peer/identity.hpp"

namespace ringfort::tls {
namespace {

using Mode = ClientCertificates::Mode;
using peer::Authority;

int either_version() { return GENERATE(TLS1_2_VERSION, TLS1_3_VERSION); }

Context context_for(ClientCertificates clients, ContextOptions options = {}) {
  options.clients = std::move(clients);
  return peer::make_context({peer::KeyType::ecdsa_p256}, std::move(options));
}

Context required(const Authority& authority, std::string lists = {}) {
  return context_for({.mode = Mode::required,
                      .authorities_pem = authority.pem(),
                      .revocation_lists_pem = std::move(lists)});
}

Context optional(const Authority& authority) {
  return context_for({.mode = Mode::optional, .authorities_pem = authority.pem()});
}

struct Visit {
  Visit(const Context& context, int version, const Identity* identity,
        SSL_SESSION* session = nullptr, const Served& served = {})
      : client(options_for(version, identity, session)), server(context, served) {
    converse(server, client);
  }
  static peer::ClientOptions options_for(int version, const Identity* identity,
                                         SSL_SESSION* session) {
    peer::ClientOptions options;
    options.version_min = options.version_max = version;
    options.identity = identity;
    options.session = session;
    return options;
  }
  const ClientCertificate& shown() const {
    REQUIRE(server.secured());
    REQUIRE(server.facts().client_certificate != nullptr);
    return *server.facts().client_certificate;
  }
  Code code() const {
    REQUIRE(server.failure());
    return server.failure()->code;
  }
  bool told(std::string_view text) const {
    INFO(client.failure());
    return client.failure().find(text) != std::string::npos;
  }
  SSL_SESSION* session() const {
    REQUIRE_FALSE(client.sessions().empty());
    return client.sessions().front().get();
  }

  peer::Client client;
  PairServer server;
};

TEST_CASE("IN-04: nobody is asked for a certificate by default, and nothing is known of them") {
  const Authority authority("authority");
  const Identity identity = authority.issue();
  const Visit visit(peer::make_context({peer::KeyType::ecdsa_p256}), either_version(), &identity);
  REQUIRE(visit.server.secured());
  CHECK(visit.server.facts().client_certificate == nullptr);
}

TEST_CASE("clients: one that is believed gets in, and its facts are known, after resumption too") {
  const int version = either_version();
  const Authority authority("authority");
  const Identity identity = authority.issue(
      {.subject = "Zoë",
       .names = "DNS:client.local,IP:192.0.2.1,URI:spiffe://local/zoe,email:zoe@client.local"});
  const Context context = required(authority);
  const Visit first(context, version, &identity);
  const Visit second(context, version, nullptr, first.session());
  CHECK(second.server.facts().resumed);
  for (const Visit* visit : {&first, &second}) {
    const ClientCertificate& shown = visit->shown();
    CHECK(shown.verdict.accepts);
    CHECK(shown.verdict.alias.empty());
    CHECK(shown.facts.subject == "CN=Zoë");
    CHECK(shown.facts.issuer == "CN=authority");
    CHECK(shown.facts.names == std::vector<std::string>{"client.local", "192.0.2.1"});
    CHECK(shown.facts.uris == std::vector<std::string>{"spiffe://local/zoe"});
    CHECK(shown.facts.mail_addresses == std::vector<std::string>{"zoe@client.local"});
    CHECK(shown.facts.fingerprint.size() == 64);
    CHECK(shown.facts.fingerprint == first.shown().facts.fingerprint);
  }
}

TEST_CASE("MT-01: none where one is required is tls_handshake.client_certificate_missing") {
  const Authority authority("authority");
  const Context context = required(authority);
  const Visit newer(context, TLS1_3_VERSION, nullptr);
  CHECK(newer.code() == Code::tls_handshake_client_certificate_missing);
  CHECK(newer.told("certificate required"));
  const Visit older(context, TLS1_2_VERSION, nullptr);
  CHECK(older.code() == Code::tls_handshake_client_certificate_missing);
  CHECK(older.told("handshake failure"));
}

TEST_CASE("MT-02: one of a stranger is tls_handshake.client_certificate_untrusted, with an alert") {
  const int version = either_version();
  const Authority authority("authority");
  const Identity stranger = Authority("another").issue();
  const Visit visit(required(authority), version, &stranger);
  CHECK(visit.code() == Code::tls_handshake_client_certificate_untrusted);
  CHECK(visit.server.failure()->detail == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
  CHECK(visit.told("unknown ca"));
  const Identity self_signed = peer::make_identity(peer::KeyType::ecdsa_p256);
  const Visit own(required(authority), version, &self_signed);
  CHECK(own.code() == Code::tls_handshake_client_certificate_untrusted);
  CHECK(own.server.failure()->detail == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
}

TEST_CASE("MT-02: an authority of the same name with another key signs for nobody") {
  const Identity forged = Authority("authority").issue();
  const Visit visit(required(Authority("authority")), either_version(), &forged);
  REQUIRE(visit.server.failure());
  CHECK_FALSE(visit.server.secured());
}

TEST_CASE("MT-03: where it is optional, none and a bad one get in, with the reason") {
  const int version = either_version();
  const Authority authority("authority");
  const Context context = optional(authority);
  const Visit none(context, version, nullptr);
  REQUIRE(none.server.secured());
  CHECK(none.server.facts().client_certificate == nullptr);
  const Identity stranger = Authority("another").issue();
  const Visit bad(context, version, &stranger);
  const Visit resumed(context, version, nullptr, bad.session());
  CHECK(resumed.server.facts().resumed);
  for (const Visit* visit : {&bad, &resumed}) {
    CHECK_FALSE(visit->shown().verdict.accepts);
    CHECK(visit->shown().verdict.alias == "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    CHECK(visit->shown().facts.issuer == "CN=another");
  }
  const Identity good = authority.issue();
  CHECK(Visit(context, version, &good).shown().verdict.accepts);
  // Nobody needs to be named: then nobody is believed.
  const Visit unnamed(context_for({.mode = Mode::optional}), version, &good);
  CHECK_FALSE(unnamed.shown().verdict.accepts);
}

TEST_CASE("clients: expired, and not yet valid, are tls_handshake.client_certificate_expired") {
  const int version = either_version();
  const Authority authority("authority");
  const Identity expired = authority.issue({.begins_days = -9, .ends_days = -1});
  const Visit visit(required(authority), version, &expired);
  CHECK(visit.code() == Code::tls_handshake_client_certificate_expired);
  CHECK(visit.server.failure()->detail == X509_V_ERR_CERT_HAS_EXPIRED);
  CHECK(visit.told("certificate expired"));
  const Identity early = authority.issue({.begins_days = 2});
  const Visit before(required(authority), version, &early);
  CHECK(before.code() == Code::tls_handshake_client_certificate_expired);
  CHECK(Visit(optional(authority), version, &expired).shown().verdict.alias == "CERT_HAS_EXPIRED");
}

TEST_CASE("clients: a server's certificate is tls_handshake.client_certificate_refused") {
  const Authority authority("authority");
  const Identity server = authority.issue({.purpose = "serverAuth"});
  const Visit visit(required(authority), either_version(), &server);
  CHECK(visit.code() == Code::tls_handshake_client_certificate_refused);
  CHECK(visit.server.failure()->detail == X509_V_ERR_INVALID_PURPOSE);
  CHECK(visit.told("unsupported certificate"));
}

TEST_CASE("clients: a revoked one is tls_handshake.client_certificate_revoked, others get in") {
  const int version = either_version();
  const Authority authority("authority");
  const Identity good = authority.issue();
  const Identity bad = authority.issue();
  const Context context = required(authority, authority.revoke({&bad}));
  CHECK(Visit(context, version, &good).shown().verdict.accepts);
  const Visit visit(context, version, &bad);
  CHECK(visit.code() == Code::tls_handshake_client_certificate_revoked);
  CHECK(visit.server.failure()->detail == X509_V_ERR_CERT_REVOKED);
  CHECK(visit.told("certificate revoked"));
}

TEST_CASE("clients: no current list for the chain is tls_handshake.revocation_unknown") {
  const int version = either_version();
  const Authority authority("authority");
  const Identity good = authority.issue();
  const Visit stale(required(authority, authority.revoke({}, -1)), version, &good);
  CHECK(stale.code() == Code::tls_handshake_revocation_unknown);
  CHECK(stale.server.failure()->detail == X509_V_ERR_CRL_HAS_EXPIRED);
  const Visit other(required(authority, Authority("another").revoke({})), version, &good);
  CHECK(other.code() == Code::tls_handshake_revocation_unknown);
  CHECK(other.server.failure()->detail == X509_V_ERR_UNABLE_TO_GET_CRL);
}

TEST_CASE("clients: an authority in between is enough, and depth says how many may be") {
  const int version = either_version();
  const Authority root("root");
  const Authority middle("middle", root);
  Identity identity = middle.issue();
  CHECK(Visit(required(middle), version, &identity).shown().verdict.accepts);
  CHECK(Visit(required(root), version, &identity).code() ==
        Code::tls_handshake_client_certificate_untrusted); // The one between was not sent.
  identity.chain_pem += middle.pem();
  CHECK(Visit(required(root), version, &identity).shown().verdict.accepts);
  const Context shallow =
      context_for({.mode = Mode::required, .authorities_pem = root.pem(), .depth = 0});
  CHECK(Visit(shallow, version, &identity).code() ==
        Code::tls_handshake_client_certificate_untrusted);
}

TEST_CASE("clients: a chain of more than 16 KiB is tls_handshake.message_too_long") {
  const Authority authority("authority");
  Identity identity = authority.issue();
  while (identity.chain_pem.size() < 30'000) identity.chain_pem += Authority("padding").pem();
  const Visit visit(optional(authority), either_version(), &identity);
  CHECK(visit.code() == Code::tls_handshake_message_too_long);
}

TEST_CASE("clients: of very many names the first 64 are known") {
  const Authority authority("authority");
  std::string names = "DNS:n";
  for (int count = 1; count < 100; ++count) names += ",DNS:n";
  const Identity identity = authority.issue({.names = names});
  CHECK(Visit(required(authority), either_version(), &identity).shown().facts.names.size() == 64);
}

TEST_CASE("clients: the names of the authorities are told, so that a client can choose") {
  const Authority authority("authority");
  const Identity identity = authority.issue();
  Visit visit(required(authority), either_version(), &identity);
  const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(visit.client.ssl());
  REQUIRE(sk_X509_NAME_num(names) == 1);
}

TEST_CASE("clients: a session ends with the policy that it began under") {
  const int version = either_version();
  const Authority authority("authority");
  const Identity identity = authority.issue();
  ContextOptions options;
  options.ticket_keys = *TicketKeys::generated();
  ClientCertificates clients{.mode = Mode::required, .authorities_pem = authority.pem()};
  const Visit first(context_for(clients, options), version, &identity);
  CHECK(Visit(context_for(clients, options), version, &identity, first.session())
            .server.facts()
            .resumed);
  // Since then it has been revoked; and a ticket would not have told.
  clients.revocation_lists_pem = authority.revoke({&identity});
  const Visit revoked(context_for(clients, options), version, &identity, first.session());
  CHECK(revoked.code() == Code::tls_handshake_client_certificate_revoked);
  // Nor does a session without a certificate open what requires one.
  const Visit anonymous(context_for({}, options), version, nullptr);
  const Visit refused(context_for(clients, options), version, nullptr, anonymous.session());
  CHECK(refused.code() == Code::tls_handshake_client_certificate_missing);
}

TEST_CASE("clients: a session does not outlive the certificate that was shown for it") {
  const int version = either_version();
  const Authority authority("authority");
  const Identity identity = authority.issue({.ends_days = 1});
  ContextOptions options;
  options.ticket_lifetime = std::chrono::days(7);
  options.ticket_keys = *TicketKeys::from_file_text(bytes_of(std::string(80, 'k')));
  const Context context =
      context_for({.mode = Mode::required, .authorities_pem = authority.pem()}, options);
  const std::int64_t now_unix_s = std::time(nullptr);
  const Visit first(context, version, &identity);
  const Visit near(context, version, &identity, first.session(),
                   {.now_unix_s = now_unix_s + 86'300});
  CHECK(near.server.facts().resumed);
  const Visit late(context, version, &identity, first.session(),
                   {.now_unix_s = now_unix_s + 86'500});
  CHECK(late.server.facts().ticket_refused);
}

// ---------------------------------------------------------------------------- refused at build

Code refusal_of(ClientCertificates clients) {
  ContextOptions options;
  options.identities.push_back(peer::make_identity(peer::KeyType::ecdsa_p256));
  const auto valid = validate(clients);
  options.clients = std::move(clients);
  const auto context = Context::create(std::move(options));
  REQUIRE_FALSE(context);
  REQUIRE_FALSE(valid);
  CHECK(valid.error().code == context.error().code);
  return context.error().code;
}

TEST_CASE("SC-13: authorities that are none, or broken, are tls_context.junk_authority") {
  const std::string pem = Authority("authority").pem();
  for (const std::string& junk :
       {std::string("junk"), pem.substr(0, pem.size() / 2), pem + pem.substr(0, pem.size() / 2)}) {
    for (const Mode mode : {Mode::optional, Mode::required}) {
      CHECK(refusal_of({.mode = mode, .authorities_pem = junk}) ==
            Code::tls_context_junk_authority);
    }
  }
}

TEST_CASE("clients: lists that are none, or broken, are tls_context.junk_revocation_list") {
  const Authority authority("authority");
  const std::string pem = authority.revoke({});
  for (const std::string& junk : {std::string("junk"), authority.pem(),
                                  pem.substr(0, pem.size() / 2), pem + pem.substr(0, 200)}) {
    CHECK(refusal_of({.mode = Mode::required,
                      .authorities_pem = authority.pem(),
                      .revocation_lists_pem = junk}) == Code::tls_context_junk_revocation_list);
  }
}

TEST_CASE("clients: required of nobody is tls_context.no_client_authority") {
  CHECK(refusal_of({.mode = Mode::required}) == Code::tls_context_no_client_authority);
}

TEST_CASE("clients: a depth out of range, and authorities that nobody is asked for, are "
          "config.invalid") {
  const Authority authority("authority");
  CHECK(refusal_of({.mode = Mode::required, .authorities_pem = authority.pem(), .depth = 17}) ==
        Code::config_invalid);
  CHECK(refusal_of({.authorities_pem = authority.pem()}) == Code::config_invalid);
  CHECK(refusal_of({.revocation_lists_pem = authority.revoke({})}) == Code::config_invalid);
}

TEST_CASE("clients: the policy says who is asked") {
  const Authority authority("authority");
  const Context context = required(authority, authority.revoke({}));
  CHECK(context.policy().contains(
      "client certificates: required, authorities 1, revocation lists 1, depth 3\n"));
}

} // namespace
} // namespace ringfort::tls
