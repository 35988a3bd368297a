// The secrets of a handshake, told to whom a context names, and to nobody else.
#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "tests/pair/client.hpp"
#include "tests/pair/server.hpp"
#include "tests/peer/identity.hpp"

namespace ringfort::tls {
namespace {

class Lines final : public KeyLog {
public:
  void write(std::string_view line) noexcept override { lines.emplace_back(line); }

  std::vector<std::string> lines;
};

std::string hex_of(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t at = 0; at < count; ++at) {
    text += digits[bytes[at] >> 4];
    text += digits[bytes[at] & 15];
  }
  return text;
}

/// What a client and a server of this version tell.
std::vector<std::string> told(int version, KeyLog* log, Lines& lines) {
  ContextOptions options;
  options.key_log = log;
  const Context context = peer::make_context({peer::KeyType::ecdsa_p256}, options);
  peer::ClientOptions client_options;
  client_options.version_min = client_options.version_max = version;
  peer::Client client(client_options);
  PairServer server(context);
  converse(server, client);
  REQUIRE(server.secured());
  unsigned char random[32];
  SSL_get_client_random(client.ssl(), random, sizeof random);
  const std::string expected = hex_of(random, sizeof random);
  for (const std::string& line : lines.lines) CHECK(line.contains(" " + expected + " "));
  std::vector<std::string> labels;
  for (const std::string& line : lines.lines) labels.push_back(line.substr(0, line.find(' ')));
  return labels;
}

TEST_CASE("IN-07: the key log has the NSS lines of TLS 1.2 and 1.3") {
  Lines older;
  CHECK(told(TLS1_2_VERSION, &older, older) == std::vector<std::string>{"CLIENT_RANDOM"});
  Lines newer;
  const auto labels = told(TLS1_3_VERSION, &newer, newer);
  for (const char* label :
       {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET"}) {
    CHECK(std::ranges::count(labels, label) == 1);
  }
}

TEST_CASE("IN-07: nothing is told unless it is asked for") {
  Lines lines;
  CHECK(told(TLS1_3_VERSION, nullptr, lines).empty());
}

TEST_CASE("key log: a client's is told what its server's is told") {
  const Identity identity = peer::make_identity(peer::KeyType::ecdsa_p256);
  for (const Version version : {Version::tls_1_2, Version::tls_1_3}) {
    Lines of_server;
    Lines of_client;
    ContextOptions server_options;
    server_options.identities = {identity};
    server_options.key_log = &of_server;
    ClientContextOptions client_options;
    client_options.authorities_pem = identity.chain_pem;
    client_options.version_max = version;
    client_options.key_log = &of_client;
    ClientShard shard(client_options);
    PairServer server(*Context::create(std::move(server_options)), Served{});
    PairClient client(shard);
    converse(server, client);
    REQUIRE(client.secured());
    CHECK_FALSE(of_client.lines.empty());
    std::ranges::sort(of_server.lines);
    std::ranges::sort(of_client.lines);
    CHECK(of_client.lines == of_server.lines);
  }
}

} // namespace
} // namespace ringfort::tls
