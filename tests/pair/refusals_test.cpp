// Handshakes that cannot succeed: which fault each is, and what the client is told.
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <openssl/ssl3.h>

#include "tests/pair/server.hpp"
#include "tests/peer/identity.hpp"

namespace ringfort::tls {
namespace {

using peer::KeyType;

struct Refusal {
  explicit Refusal(const peer::ClientOptions& client_options, ContextOptions server_options = {})
      : client(client_options),
        server(peer::make_context({KeyType::ecdsa_p256}, std::move(server_options))) {
    converse(server, client);
  }
  Code code() const {
    REQUIRE(server.failure());
    return server.failure()->code;
  }
  bool told(std::string_view text) const {
    INFO(client.failure());
    return client.failure().find(text) != std::string::npos;
  }

  peer::Client client;
  PairServer server;
};

Code refusal_of(std::string_view bytes) {
  PairServer server(peer::make_context({KeyType::ecdsa_p256}));
  server.deliver(bytes);
  REQUIRE(server.failure());
  return server.failure()->code;
}

TEST_CASE("TE-01: plain HTTP is tls_handshake.plain_http, whatever the method") {
  for (const std::string_view request :
       {"GET / HTTP/1.1\r\n", "POST /", "PRI * HTTP/2.0\r\n", "OPTIONS *", "G"}) {
    CHECK(refusal_of(request) == Code::tls_handshake_plain_http);
  }
}

TEST_CASE("TE-02: another protocol is tls_handshake.not_tls") {
  for (const std::string_view banner :
       {"SSH-2.0-OpenSSH_9.2\r\n", "\xff\xfb\x01", "{}", "Gopher"}) {
    CHECK(refusal_of(banner) == Code::tls_handshake_not_tls);
  }
  CHECK(refusal_of(std::string("\x16\x09\x09\x00\x05hello", 10)) == Code::tls_handshake_not_tls);
}

TEST_CASE("TE-05: an old version is tls_handshake.version_too_low, told by an alert") {
  peer::ClientOptions old;
  old.version_min = TLS1_VERSION;
  old.version_max = TLS1_1_VERSION;
  const Refusal refusal(old);
  CHECK(refusal.code() == Code::tls_handshake_version_too_low);
  CHECK(refusal.told("protocol version"));
  peer::ClientOptions older_than_allowed;
  older_than_allowed.version_max = TLS1_2_VERSION;
  ContextOptions new_only;
  new_only.version_min = Version::tls_1_3;
  CHECK(Refusal(older_than_allowed, new_only).code() == Code::tls_handshake_version_too_low);
}

TEST_CASE("TE-06: no suite or group in common is tls_handshake.no_shared_suite") {
  peer::ClientOptions rsa_only;
  rsa_only.version_max = TLS1_2_VERSION;
  rsa_only.suites = "ECDHE-RSA-AES128-GCM-SHA256";
  const Refusal suite(rsa_only);
  CHECK(suite.code() == Code::tls_handshake_no_shared_suite);
  CHECK(suite.told("handshake failure"));
  peer::ClientOptions group;
  group.version_min = TLS1_3_VERSION;
  group.groups = "P-521";
  CHECK(Refusal(group).code() == Code::tls_handshake_no_shared_suite);
  peer::ClientOptions signature;
  signature.version_min = TLS1_3_VERSION;
  signature.signatures = "rsa_pss_rsae_sha256";
  CHECK(Refusal(signature).code() == Code::tls_handshake_no_shared_suite);
}

TEST_CASE("TE-07: ALPN without http/1.1 is tls_handshake.no_shared_protocol, told by an alert") {
  peer::ClientOptions h2_only;
  h2_only.protocols = {"h2"};
  const Refusal refusal(h2_only);
  CHECK(refusal.code() == Code::tls_handshake_no_shared_protocol);
  CHECK(refusal.told("no application protocol"));
}

TEST_CASE("TE-09: a client that does not trust us is tls_handshake.peer_alert, with the number") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    peer::ClientOptions distrustful;
    distrustful.version_min = distrustful.version_max = version;
    distrustful.trusted_pem = peer::make_identity(KeyType::ecdsa_p256).chain_pem;
    const Refusal refusal(distrustful);
    CHECK(refusal.code() == Code::tls_handshake_peer_alert);
    constexpr int unknown_ca = 48;
    constexpr int bad_certificate = 42;
    const int alert = refusal.server.failure()->detail;
    CHECK((alert == unknown_ca || alert == bad_certificate));
  }
}

TEST_CASE("refusals: a hello cut or changed anywhere is refused or waited for, never taken") {
  const std::string hello = peer::Client().take_outgoing();
  const Context context = peer::make_context({KeyType::ecdsa_p256});
  unsigned malformed = 0;
  for (std::size_t at = 0; at < hello.size(); ++at) {
    std::string changed = hello;
    changed[at] = static_cast<char>(changed[at] ^ 0xff);
    PairServer server(context);
    server.deliver(changed);
    CHECK_FALSE(server.secured());
    if (server.failure() && server.failure()->code == Code::tls_handshake_malformed) ++malformed;
    PairServer waiting(context);
    waiting.deliver(std::string_view(hello).substr(0, at));
    CHECK_FALSE(waiting.failure());
  }
  CHECK(malformed > 20);
}

TEST_CASE("refusals: a key share that is no point of the curve is tls_handshake.malformed") {
  const std::string uncompressed("\x41\x04", 2); // 65 bytes, the first of which says so.
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::size_t changed_at : {std::size_t{2}, std::size_t{40}, std::size_t{65}}) {
      peer::ClientOptions options;
      options.version_min = options.version_max = version;
      options.groups = "P-256";
      peer::Client client(options);
      PairServer server(peer::make_context({KeyType::ecdsa_p256}));
      std::string flight = client.take_outgoing();
      if (version == TLS1_2_VERSION) { // The share comes in the second flight.
        server.deliver(flight);
        client.deliver(bytes_of(server.take_outgoing()));
        flight = client.take_outgoing();
      }
      const std::size_t point = flight.find(uncompressed);
      REQUIRE(point != std::string::npos);
      flight[point + changed_at] ^= 1;
      server.deliver(flight);
      REQUIRE(server.failure());
      CHECK(server.failure()->code == Code::tls_handshake_malformed);
      client.deliver(bytes_of(server.take_outgoing()));
      INFO(client.failure());
      CHECK(client.failure().find("alert") != std::string::npos);
    }
  }
}

TEST_CASE("refusals: a handshake message out of order is tls_handshake.malformed") {
  // A Finished where a ClientHello has to be.
  CHECK(refusal_of(std::string("\x16\x03\x01\x00\x04\x14\x00\x00\x00", 9)) ==
        Code::tls_handshake_malformed);
}

} // namespace
} // namespace ringfort::tls
