// What answers our client and is no handshake, or none that goes on.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/pair/client.hpp"
#include "tests/peer/identity.hpp"
#include "tests/peer/server.hpp"

namespace ringfort::tls {
namespace {

const Identity& identity() {
  static const Identity made = peer::make_identity(peer::KeyType::ecdsa_p256);
  return made;
}

ClientContextOptions believing() {
  ClientContextOptions options;
  options.authorities_pem = identity().chain_pem;
  return options;
}

/// What a client makes of an answer to its hello.
Error answered(std::string_view bytes, std::size_t cut_bytes = SIZE_MAX) {
  ClientShard shard(believing());
  PairClient client(shard);
  for (std::size_t at = 0; at < bytes.size(); at += std::min(cut_bytes, bytes.size())) {
    client.deliver(bytes.substr(at, cut_bytes));
  }
  REQUIRE(client.failure());
  CHECK_FALSE(client.secured());
  return *client.failure();
}

Error refused(const peer::ServerOptions& server_options,
              const ClientContextOptions& options = believing()) {
  ClientShard shard(options);
  peer::Server server(server_options);
  PairClient client(shard);
  converse(server, client);
  REQUIRE(client.failure());
  CHECK_FALSE(client.secured());
  return *client.failure();
}

TEST_CASE("client: another protocol on the port is tls_handshake.server_not_tls") {
  for (const std::string_view answer :
       {"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
        "220 mail.example.org ESMTP\r\n", "+OK ready\r\n", "GET / HTTP/1.1\r\n",
        "<html>nothing</html>"}) {
    INFO(answer);
    CHECK(answered(answer).code == Code::tls_handshake_server_not_tls);
    CHECK(answered(answer, 1).code == Code::tls_handshake_server_not_tls);
  }
  CHECK(answered(std::string("\x16\x03\x03\xff\xff\x02", 6)).code ==
        Code::tls_handshake_server_not_tls);
}

TEST_CASE("client: an alert is tls_handshake.peer_alert, with its number") {
  const Error error = answered(std::string("\x15\x03\x03\x00\x02\x02\x50", 7));
  CHECK(error.code == Code::tls_handshake_peer_alert);
  CHECK(error.detail == 80);
  const Error closed = answered(std::string("\x15\x03\x03\x00\x02\x01\x00", 7));
  CHECK(closed.code == Code::tls_handshake_peer_alert);
  CHECK(closed.detail == 0);
}

TEST_CASE("client: a server that takes nothing that is offered is "
          "tls_handshake.server_no_shared_suite") {
  peer::ServerOptions rsa_only{{.version_max = TLS1_2_VERSION, .identity = &identity()}};
  rsa_only.suites = "ECDHE-RSA-AES128-GCM-SHA256";
  CHECK(refused(rsa_only).code == Code::tls_handshake_server_no_shared_suite);
  constexpr std::string_view insufficient_security("\x15\x03\x03\x00\x02\x02\x47", 7);
  CHECK(answered(insufficient_security).code == Code::tls_handshake_server_no_shared_suite);
}

TEST_CASE("client: a version that is not allowed here is tls_handshake.server_version_refused") {
  constexpr std::string_view protocol_version("\x15\x03\x03\x00\x02\x02\x46", 7);
  CHECK(answered(protocol_version).code == Code::tls_handshake_server_version_refused);
  CHECK(refused(
            {{.version_min = TLS1_VERSION, .version_max = TLS1_1_VERSION, .identity = &identity()}})
            .code == Code::tls_handshake_server_version_refused);
  ClientContextOptions newer = believing();
  newer.version_min = Version::tls_1_3;
  CHECK(refused({{.version_max = TLS1_2_VERSION, .identity = &identity()}}, newer).code ==
        Code::tls_handshake_server_version_refused);
  ClientContextOptions older = believing();
  older.version_max = Version::tls_1_2;
  CHECK(refused({{.version_min = TLS1_3_VERSION, .identity = &identity()}}, older).code ==
        Code::tls_handshake_server_version_refused);
}

TEST_CASE("client: a message out of order is tls_handshake.malformed") {
  // A Finished where a ServerHello has to be.
  CHECK(answered(std::string("\x16\x03\x03\x00\x04\x14\x00\x00\x00", 9)).code ==
        Code::tls_handshake_malformed);
}

TEST_CASE("client: a protocol that was not offered is tls_handshake.malformed") {
  peer::ServerOptions options{{.identity = &identity()}};
  options.protocol = "h2";
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    options.version_max = version;
    CHECK(refused(options).code == Code::tls_handshake_malformed);
  }
}

TEST_CASE("client: a chain of more than 100 KiB is tls_handshake.message_too_long") {
  Identity long_one = identity();
  while (long_one.chain_pem.size() < 200'000) long_one.chain_pem += identity().chain_pem;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CHECK(refused({{.version_max = version, .identity = &long_one}}).code ==
          Code::tls_handshake_message_too_long);
  }
}

TEST_CASE("client: a server's flight cut or changed anywhere is waited for or refused, not taken") {
  ClientContextOptions older = believing();
  older.version_max = Version::tls_1_2;
  for (const auto& options : {believing(), older}) {
    ClientShard shard(options);
    const auto flight_to = [](PairClient& client) {
      peer::Server server({{.identity = &identity()}});
      server.deliver(client.take_outgoing());
      return server.take_outgoing();
    };
    PairClient first(shard);
    const std::size_t bytes = flight_to(first).size();
    for (std::size_t at = 0; at < bytes; at += 7) {
      PairClient waiting(shard);
      const std::string flight = flight_to(waiting);
      waiting.deliver(std::string_view(flight).substr(0, std::min(at, flight.size() - 1)));
      CHECK_FALSE(waiting.failure());
      PairClient changed(shard);
      std::string broken = flight_to(changed);
      const std::size_t place = std::min(at, broken.size() - 1);
      broken[place] = static_cast<char>(broken[place] ^ 0xff);
      changed.deliver(broken);
      CHECK_FALSE(changed.secured());
    }
  }
}

} // namespace
} // namespace ringfort::tls
