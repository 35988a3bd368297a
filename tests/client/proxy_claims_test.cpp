// What a listener makes of PROXY headers: of whom they are believed, and what follows of that.
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <ringfort/gateway.hpp>

#include "net/introduction.hpp"
#include "tests/client/front.hpp"
#include "tests/client/trusted.hpp"

namespace ringfort::client {
namespace {

using namespace std::string_literals;

const ListenOptions from_loopback{.proxy_headers_from = {"127.0.0.0/8"}};
const ListenOptions from_elsewhere{.proxy_headers_from = {"10.0.0.0/8"}};

const std::string claim = "PROXY TCP4 192.0.2.1 198.51.100.2 50312 443\r\n";
/// The same in version 2.
const std::string binary_claim =
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xc4\x88\1\xbb"s;
const std::string for_itself = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"s;

EngineOptions with(const std::function<void(Limits&)>& change) {
  EngineOptions options = Host::options_of();
  change(options.limits);
  return options;
}

std::uint16_t open(Host& host, const ListenOptions& options, bool encrypted = false) {
  Engine& engine = host.engine();
  const auto bound =
      encrypted ? engine.serve({.port = 0}, Trusted().context(), serving(&tell_peer), options)
                : engine.serve_plain({.port = 0}, serving(&tell_peer), options);
  return bound.value().port;
}

/// What is answered to the request behind `before`, in so many sends.
std::string answer_behind(Host& host, std::uint16_t port, const std::string& before, bool encrypted,
                          std::size_t bytes_at_a_time = 1'000) {
  std::string answer;
  play(host, [&] {
    std::optional<Guest> guest;
    if (encrypted) {
      guest.emplace(port, peer::ClientOptions());
    } else {
      guest.emplace(port);
    }
    for (std::size_t at = 0; at < before.size(); at += bytes_at_a_time) {
      guest->send_in_clear(before.substr(at, bytes_at_a_time));
    }
    guest->send(get);
    answer = guest->read_to_end();
  });
  return answer;
}

TEST_CASE("claims: a trusted proxy's client is the peer, in clear text and before TLS") {
  const bool encrypted = GENERATE(false, true);
  const std::string before = GENERATE(claim, binary_claim);
  const std::size_t bytes_at_a_time = GENERATE(1U, 1'000U);
  Host host;
  const std::uint16_t port = open(host, from_loopback, encrypted);
  CHECK(answer_behind(host, port, before, encrypted, bytes_at_a_time)
            .ends_with("\r\n\r\n192.0.2.1:50312 by 127.0.0.1"));
}

TEST_CASE("claims: a hello in the same segment as the header is TLS's, to its last byte") {
  Host host;
  const std::uint16_t port = open(host, from_loopback, true);
  std::string answer;
  play(host, [&] {
    peer::Client tls;
    tls.deliver(Bytes());
    Guest guest(port);
    guest.send(binary_claim + tls.take_outgoing());
    while (!tls.secured()) {
      tls.deliver(guest.read_bytes(1));
      if (!tls.failure().empty()) break;
    }
    tls.write(get);
    guest.send(tls.take_outgoing());
    while (!tls.closed()) tls.deliver(guest.read_bytes(1));
    answer = tls.received();
  });
  CHECK(answer.ends_with("192.0.2.1:50312 by 127.0.0.1"));
}

TEST_CASE("claims: a proxy that speaks for itself is the peer") {
  Host host;
  const std::uint16_t port = open(host, from_loopback);
  const std::string answer = answer_behind(host, port, for_itself, false);
  CHECK(answer.contains("\r\n\r\n127.0.0.1:"));
  CHECK_FALSE(answer.contains(" by "));
}

TEST_CASE("claims: a header of who is not trusted is junk, and nothing of it is believed") {
  const bool encrypted = GENERATE(false, true);
  Host host;
  std::vector<Code> codes;
  std::vector<std::string> peers;
  host.engine().on_error([&](const ErrorReport& report) {
    codes.push_back(report.error.code);
    peers.emplace_back(report.peer);
  });
  const std::uint16_t port = open(host, from_elsewhere, encrypted);
  const std::string answer = answer_behind(host, port, claim, encrypted);
  CHECK_FALSE(answer.contains("192.0.2.1"));
  CHECK_FALSE(answer.contains(" 200 "));
  REQUIRE_FALSE(codes.empty());
  CHECK(codes.front() == (encrypted ? Code::tls_handshake_not_tls : Code::http_parse_bad_method));
  CHECK(peers.front().starts_with("127.0.0.1:"));
}

TEST_CASE("claims: who is not trusted is served as ever, or refused where only proxies may come") {
  const bool refuses = GENERATE(false, true);
  Host host;
  ListenOptions options = from_elsewhere;
  options.refuses_others = refuses;
  const std::uint16_t port = open(host, options);
  const std::string answer = answer_behind(host, port, "", false);
  CHECK(answer.contains("127.0.0.1:") == !refuses);
  CHECK(host.faults(Code::proxy_header_untrusted) == (refuses ? 1 : 0));
}

TEST_CASE("claims: what a trusted proxy sends instead of a good header is refused by its own row") {
  struct Row {
    std::string sent;
    Code code;
  };
  const std::array rows{
      Row{std::string(get), Code::proxy_header_missing},
      Row{"PROXY TCP4 nonsense\r\n", Code::proxy_header_malformed},
      Row{"PROXY UNKNOWN " + std::string(200, 'x'), Code::proxy_header_oversized},
      Row{"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13\xc0\0\2\1\xc6\x33\x64\2\xc4\x88\1\xbb\3\0\4none"s,
          Code::proxy_header_bad_checksum},
  };
  const Row& row = rows[GENERATE(0U, 1U, 2U, 3U)];
  Host host;
  const std::uint16_t port = open(host, from_loopback);
  CHECK(answer_behind(host, port, row.sent, false).empty());
  CHECK(host.faults(row.code) == 1);
}

TEST_CASE("claims: a second header, or one inside of TLS, is junk") {
  Host host;
  const std::uint16_t port = open(host, from_loopback);
  const std::string answer = answer_behind(host, port, claim + claim, false);
  CHECK(answer.starts_with("HTTP/1.1 400 "));
  Host other;
  const std::uint16_t secure_port = open(other, from_loopback, true);
  std::string inside;
  play(other, [&] {
    Guest guest(secure_port, peer::ClientOptions());
    guest.send_in_clear(claim);
    guest.send(claim);
    guest.send(get);
    inside = guest.read_to_end();
  });
  CHECK(inside.starts_with("HTTP/1.1 400 "));
}

TEST_CASE("claims: a header that ends early is told, and a look whether somebody listens is not") {
  Host host;
  const std::uint16_t port = open(host, from_loopback);
  std::string answers;
  play(host, [&] {
    Guest cut(port);
    cut.send(claim.substr(0, 20));
    cut.end_sending();
    answers += cut.read_to_end();
    Guest looking(port);
    looking.end_sending();
    answers += looking.read_to_end();
  });
  CHECK(answers.empty());
  CHECK(host.faults(Code::proxy_header_peer_closed) == 1);
}

TEST_CASE("claims: who trickles a header has proxy_header_timeout for all of it") {
  const bool encrypted = GENERATE(false, true);
  Host host(
      with([](Limits& limits) { limits.proxy_header_timeout = std::chrono::milliseconds(50); }));
  const std::uint16_t port = open(host, from_loopback, encrypted);
  std::string answer;
  play(host, [&] {
    Guest guest(port);
    guest.send("PROXY ");
    answer = guest.read_to_end();
  });
  CHECK(answer.empty());
  CHECK(host.faults(Code::proxy_header_timed_out) == 1);
}

TEST_CASE("claims: connections are counted by whom the proxy speaks for, not by the proxy") {
  Host host(with([](Limits& limits) { limits.connections_per_peer_max = 1; }));
  const std::uint16_t port = open(host, from_loopback);
  std::array<std::string, 4> answers;
  play(host, [&] {
    const auto speak_for = [](Guest& guest, int client) {
      guest.send("PROXY TCP4 192.0.2." + std::to_string(client) + " 192.0.2.9 1 2\r\n");
      guest.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    };
    Guest first(port);
    speak_for(first, 1);
    answers[0] = first.read_until(" by ");
    Guest second(port);
    speak_for(second, 1);
    answers[1] = second.read_to_end();
    Guest third(port);
    speak_for(third, 2);
    answers[2] = third.read_until(" by ");
    first.reset();
    // Whose place is free is seen when one finds it.
    do {
      Guest again(port);
      speak_for(again, 1);
      answers[3] = again.read_until(" by ");
    } while (answers[3].empty());
  });
  CHECK(answers[0].contains("192.0.2.1:1 by "));
  CHECK(answers[1].empty());
  CHECK(answers[2].contains("192.0.2.2:1 by "));
  CHECK(answers[3].contains("192.0.2.1:1 by "));
  CHECK(host.faults(Code::accept_peer_full) >= 1);
}

TEST_CASE("claims: a look at the connections tells the claimed peer and the proxy") {
  Host host;
  const std::uint16_t port = open(host, from_loopback);
  Guest guest(port);
  guest.send(claim.substr(0, 10));
  std::vector<ConnectionReport> reports;
  const auto stage_is = [&](ConnectionStage stage) {
    reports.clear();
    (void)host.shard().look(0, reports);
    return reports.size() == 1 && reports[0].stage == stage && reports[0].received_bytes > 0;
  };
  host.turn_until([&] { return stage_is(ConnectionStage::proxy_header); });
  CHECK(reports[0].peer.starts_with("127.0.0.1:"));
  CHECK(reports[0].proxy.empty());
  guest.send(claim.substr(10));
  host.turn_until([&] { return stage_is(ConnectionStage::idle); });
  CHECK(reports[0].peer == "192.0.2.1:50312");
  CHECK(reports[0].proxy.starts_with("127.0.0.1:"));
}

TEST_CASE("claims: a gateway tells its servers whose each connection is, and shares none of them") {
  const ProxyHeader version = GENERATE(ProxyHeader::v1, ProxyHeader::v2);
  Host host;
  GatewayOptions options{.upstreams = {clear(open(host, from_loopback))}, .header = version};
  const Gateway gateway = Gateway::create(std::move(options)).value();
  const auto bound = host.engine().serve_plain(
      {.port = 0}, [&](Shard& shard) { return gateway.service(shard).value(); });
  REQUIRE(bound);
  std::array<std::string, 4> answers;
  play(host, [&] {
    for (std::size_t client = 0; client < 4; client += 2) {
      Guest guest(bound->port);
      for (std::size_t request = 0; request < 2; ++request) {
        guest.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
        answers[client + request] = guest.read_until(" by 127.0.0.1");
        answers[client + request].erase(0, answers[client + request].find("\r\n\r\n"));
      }
    }
  });
  CHECK(answers[0].starts_with("\r\n\r\n127.0.0.1:"));
  CHECK(answers[1] == answers[0]);
  CHECK(answers[2] != answers[0]);
  CHECK(answers[3] == answers[2]);
  // Of two clients, and two behind.
  CHECK(host.engine().metrics().connections_accepted == 4);
}

TEST_CASE("claims: a common name is read out of a subject, escaped or not") {
  CHECK(net::common_name_of("CN=someone") == "someone");
  CHECK(net::common_name_of("O=a\\, CN=b,CN=some\\,one\\2B+OU=c") == "some,one+");
  CHECK(net::common_name_of("O=CN=a").empty());
  CHECK(net::common_name_of("").empty());
}

TEST_CASE("claims: networks that are none, and a listener that nobody could reach, are refused") {
  Host host;
  const auto detail_of = [&](ListenOptions options) {
    const auto bound =
        host.engine().serve_plain({.port = 0}, serving(&tell_peer), std::move(options));
    REQUIRE_FALSE(bound);
    CHECK(bound.error().code == Code::config_invalid);
    return bound.error().detail;
  };
  CHECK(detail_of({.proxy_headers_from = {"10.0.0.0/33"}}) == 301);
  CHECK(detail_of({.refuses_others = true}) == 302);
}

} // namespace
} // namespace ringfort::client
