// Connections that are not opened here: where they go, that every byte goes through as it came, and
// how they end.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/client/passing.hpp"
#include "tests/peer/hello.hpp"

namespace ringfort::client {
namespace {

using peer::hello_for;
using peer::in_records;

/// The alert that a refusal is, in clear.
std::string alert(int number) {
  return std::string("\x15\x03\x03\0\2\2", 6) + static_cast<char>(number);
}

/// What a client that sends `text` is answered, to the end of the connection.
std::string told_to(Passing& front, const std::string& text) {
  std::string answer;
  play(front.host, [&] {
    Guest client(front.port);
    client.send(text);
    answer = client.read_to_end();
  });
  return answer;
}

TEST_CASE("passthrough: a hello reaches its server byte for byte, however it was cut") {
  const std::string hello = hello_for("a.example");
  const std::string sent =
      GENERATE_COPY(hello, in_records(hello, 7), in_records(hello, 100)) + "more";
  const std::size_t bytes_at_a_time = GENERATE(1U, 50U, 10'000U);
  std::string arrived;
  Script server(1, [&](Guest& guest) {
    arrived = guest.read_bytes(sent.size());
    guest.send("back");
  });
  Passing front({.routes = {to(server.port())}});
  std::string back;
  play(front.host, [&] {
    Guest client(front.port);
    for (std::size_t at = 0; at < sent.size(); at += bytes_at_a_time) {
      client.send(std::string_view(sent).substr(at, bytes_at_a_time));
    }
    back = client.read_to_end();
    server.wait();
  });
  CHECK(back == "back");
  CHECK(arrived == sent);
  CHECK(front.host.engine().metrics().passthroughs == 1);
  CHECK(front.host.engine().metrics().passthroughs_open == 0);
}

TEST_CASE("passthrough: names choose the server, an exact one before a wildcard before the rest") {
  struct Row {
    const char* name;
    const char* server;
  };
  const std::array rows{Row{"a.example", "exact"},
                        Row{"A.Example.", "exact"},
                        Row{"b.example", "wildcard"},
                        Row{"a.b.example", "rest"},
                        Row{"", "rest"},
                        Row{"here.example", "wildcard"}};
  const Row& row = rows[GENERATE(0U, 1U, 2U, 3U, 4U, 5U)];
  Script exact(1, answering("exact"));
  Script wildcard(1, answering("wildcard"));
  Script rest(1, answering("rest"));
  Passing front({.routes = {to(rest.port()), to(wildcard.port(), "*.EXAMPLE"),
                            to(exact.port(), "a.example.")}});
  CHECK(told_to(front, hello_for(row.name)) == row.server);
}

TEST_CASE("passthrough: a name with a context of its own is answered here, whoever has the rest") {
  Script rest(1, answering("rest"));
  Passing front({.routes = {to(rest.port())}});
  peer::ClientOptions options;
  options.server_name = "here.example";
  std::string answer;
  play(front.host, [&] {
    Guest here(front.port, options);
    here.send(get);
    answer = here.read_to_end();
  });
  CHECK(answer.contains("\r\n\r\n127.0.0.1:"));
  CHECK(front.host.engine().metrics().passthroughs == 0);
}

TEST_CASE("passthrough: a name that nothing is for is refused by the alert that says so") {
  Script server(1, answering("never"));
  Passing front({.routes = {to(server.port(), "a.example")}});
  CHECK(told_to(front, hello_for("b.example")) == alert(112));
  CHECK(front.host.faults(Code::tls_handshake_unknown_name) == 1);
}

TEST_CASE("passthrough: protocols choose among routes of one name") {
  const bool is_mail = GENERATE(true, false);
  Script mail(1, answering("mail"));
  Script rest(1, answering("rest"));
  PassthroughRoute by_protocol = to(mail.port(), "a.example");
  by_protocol.protocols = {"imap", "pop3"};
  Passing front({.routes = {by_protocol, to(rest.port(), "a.example")}});
  const std::vector<std::string> offered =
      is_mail ? std::vector<std::string>{"x", "pop3"} : std::vector<std::string>{};
  CHECK(told_to(front, hello_for("a.example", offered)) == (is_mail ? "mail" : "rest"));
}

TEST_CASE("passthrough: megabytes go both ways at once, and a slow end holds the other one up") {
  const std::string text = bulk();
  std::string arrived;
  Script server(1, [&](Guest& guest) {
    guest.send(text); // Before a byte is read.
    arrived = guest.read_bytes(text.size());
  });
  Passing front({.routes = {to(server.port())}});
  const std::string hello = hello_for("");
  std::string back;
  std::string after;
  play(front.host, [&] {
    Guest client(front.port);
    client.send(hello);
    back = client.read_bytes(text.size());
    client.send(std::string_view(text).substr(hello.size()));
    client.end_sending();
    after = client.read_to_end();
  });
  CHECK(after.empty());
  CHECK(back == text);
  CHECK(arrived == hello + text.substr(hello.size()));
  CHECK(front.host.engine().metrics().receive_buffers_held == 0);
}

TEST_CASE("passthrough: each direction ends by itself") {
  const bool client_first = GENERATE(true, false);
  std::string at_server;
  Script server(1, [&](Guest& guest) {
    guest.read_bytes(1);
    if (!client_first) {
      guest.send("early");
      guest.end_sending();
    }
    at_server = guest.read_to_end();
    if (client_first) guest.send("answer");
  });
  Passing front({.routes = {to(server.port())}});
  std::string at_client;
  play(front.host, [&] {
    Guest client(front.port);
    client.send(hello_for(""));
    if (!client_first) at_client = client.read_to_end();
    client.send("late");
    client.end_sending();
    if (client_first) at_client = client.read_to_end();
    server.wait();
  });
  CHECK(at_server.ends_with("late"));
  CHECK(at_client == (client_first ? "answer" : "early"));
  CHECK(front.host.faults(Code::passthrough_client_reset) == 0);
  CHECK(front.host.faults(Code::passthrough_server_reset) == 0);
}

TEST_CASE("passthrough: a reset is passed on as one") {
  const bool by_client = GENERATE(true, false);
  bool was_reset = false;
  Script server(1, [&](Guest& guest) {
    guest.read_bytes(1);
    guest.send("x");
    if (by_client) {
      was_reset = guest.was_reset();
    } else {
      guest.read_until("now");
      guest.reset();
    }
  });
  Passing front({.routes = {to(server.port())}});
  play(front.host, [&] {
    Guest client(front.port);
    client.send(hello_for(""));
    client.read_bytes(1);
    if (by_client) {
      client.reset();
    } else {
      client.send("now");
      was_reset = client.was_reset();
    }
    server.wait();
  });
  CHECK(was_reset);
  CHECK(front.host.faults(Code::passthrough_client_reset) == (by_client ? 1 : 0));
  CHECK(front.host.faults(Code::passthrough_server_reset) == (by_client ? 0 : 1));
}

TEST_CASE("passthrough: a server that takes no connection is passed over, then left alone") {
  const Destination nobody = clear(engine::refusing_address().port());
  Script server(4, answering("here"));
  Passing front({.routes = {{.servers = {nobody, clear(server.port())}}}, .failures_max = 1});
  std::string answers;
  play(front.host, [&] {
    for (int count = 0; count < 4; ++count) {
      Guest client(front.port);
      client.send(hello_for(""));
      answers += client.read_to_end();
    }
  });
  CHECK(answers == "herehereherehere");
  CHECK(front.host.faults(Code::connect_refused) == 0);
}

TEST_CASE("passthrough: when no server takes it the client is told by an alert, and the log why") {
  struct Row {
    Destination place;
    Code code;
  };
  const engine::SilentListener silent;
  const std::array rows{Row{clear(engine::refusing_address().port()), Code::connect_refused},
                        Row{clear(silent.address().port()), Code::connect_timed_out},
                        Row{{.unix_path = "/nowhere/socket"}, Code::connect_refused}};
  const Row& row = rows[GENERATE(0U, 1U, 2U)];
  Passing front(
      {.routes = {{.servers = {row.place}}}, .connect_timeout = std::chrono::milliseconds(100)});
  std::optional<Error> told;
  front.host.engine().on_error([&](const ErrorReport& report) {
    if (!told) told = report.error;
  });
  CHECK(told_to(front, hello_for("")) == alert(80));
  REQUIRE(told);
  CHECK(full_name(fault_of(told->code)) == full_name(fault_of(row.code)));
  CHECK(front.host.engine().metrics().passthroughs_open == 0);
}

TEST_CASE("passthrough: what nothing goes through for tunnel_idle_timeout is cut") {
  EngineOptions options = Host::options_of();
  options.limits.tunnel_idle_timeout = std::chrono::milliseconds(50);
  Script server(1, [](Guest& guest) { guest.read_to_end(); });
  Passing front({.routes = {to(server.port())}}, options);
  bool was_reset = false;
  play(front.host, [&] {
    Guest client(front.port);
    client.send(hello_for(""));
    was_reset = client.was_reset();
  });
  CHECK(was_reset);
  CHECK(front.host.faults(Code::passthrough_timed_out) == 1);
}

TEST_CASE("passthrough: an end that takes nothing for write_timeout is response_stream.stalled") {
  const bool client_stalls = GENERATE(true, false);
  EngineOptions options = Host::options_of();
  options.limits.write_timeout = std::chrono::milliseconds(100);
  const std::string text = bulk(8);
  Script server(1, [&](Guest& guest) {
    if (client_stalls)
      guest.send(text);
    else
      guest.wait_for_end();
  });
  Passing front({.routes = {to(server.port())}}, options);
  play(front.host, [&] {
    Guest client(front.port);
    client.send(hello_for(""));
    if (client_stalls)
      client.wait_for_end();
    else
      client.send(text);
    server.wait();
  });
  CHECK(front.host.faults(Code::response_stream_stalled) == 1);
  CHECK(front.host.engine().metrics().receive_buffers_held == 0);
}

TEST_CASE("passthrough: a drain lets it go on until its grace is over") {
  Script server(1, [](Guest& guest) { guest.read_to_end(); });
  Passing front({.routes = {to(server.port())}});
  Guest client(front.port);
  client.send(hello_for(""));
  const auto open = [&] { return front.host.engine().metrics().passthroughs_open; };
  front.host.turn_until([&] { return open() == 1; });
  front.host.engine().drain(std::chrono::milliseconds(100));
  front.host.turn_until([&] { return front.host.shard().ended(); });
  CHECK(front.host.faults(Code::drain_timed_out) == 1);
  CHECK(front.host.faults(Code::drain_refused) == 0);
}

TEST_CASE("passthrough: what is no hello, or too long for one, is refused as ever") {
  struct Row {
    std::string sent;
    std::string answer;
    Code code;
  };
  // As many suites as a hello can have: more than all of it may be.
  const std::string endless = std::string("\x16\x03\x01\x40\0\1\0\xff\xff\3\3", 11) +
                              std::string(33, '\0') + "\xff\xff" + std::string(16'343, '\0');
  const std::array rows{Row{std::string(get), "", Code::tls_handshake_plain_http},
                        Row{"SSH-2.0-x\r\n", "", Code::tls_handshake_not_tls},
                        Row{endless, alert(22), Code::tls_handshake_oversized_hello}};
  const Row& row = rows[GENERATE(0U, 1U, 2U)];
  Script server(1, answering("never"));
  Passing front({.routes = {to(server.port())}});
  CHECK(told_to(front, row.sent) == row.answer);
  CHECK(front.host.faults(row.code) == 1);
}

TEST_CASE("passthrough: the server is told the client's ends by a PROXY header before the hello") {
  const ProxyHeader version = GENERATE(ProxyHeader::v1, ProxyHeader::v2);
  const std::string hello = hello_for("a.example");
  std::string arrived;
  std::string behind;
  Script server(1, [&](Guest& guest) {
    arrived = version == ProxyHeader::v1 ? guest.read_until("\r\n") : guest.read_bytes(51);
    behind = guest.read_bytes(hello.size());
  });
  Passing front({.routes = {to(server.port())}, .header = version});
  play(front.host, [&] {
    Guest client(front.port);
    for (const char byte : hello) client.send({&byte, 1});
    client.read_to_end();
  });
  CHECK(behind == hello);
  INFO(arrived);
  if (version == ProxyHeader::v1) {
    CHECK(arrived.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "));
    CHECK(arrived.ends_with(" " + std::to_string(front.port) + "\r\n"));
  } else {
    CHECK(arrived.starts_with(
        std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x23\x7f\0\0\1\x7f\0\0\1", 24)));
    CHECK(arrived.ends_with(std::string("\1\0\x08http/1.1\2\0\x09", 14) + "a.example"));
  }
}

TEST_CASE("passthrough: a claimed client is told on, with where it had connected to") {
  std::string arrived;
  Script server(1, [&](Guest& guest) { arrived = guest.read_until("\r\n"); });
  Host host;
  ListenOptions listener{.proxy_headers_from = {"127.0.0.1"},
                         .passthrough = {.routes = {to(server.port())}, .header = ProxyHeader::v1}};
  const std::string claim = "PROXY TCP6 2001:db8::1 2001:db8::2 5 443\r\n";
  const auto bound =
      host.engine().serve({.port = 0}, tls::LiveNames(tls::Names()), serving(&tell_peer), listener);
  REQUIRE(bound);
  play(host, [&] {
    Guest client(bound->port);
    client.send(claim + hello_for(""));
    client.read_to_end();
  });
  CHECK(arrived == claim);
}

TEST_CASE("passthrough: a look tells the stage, the name, the server and the bytes") {
  Script server(1, [](Guest& guest) {
    guest.read_bytes(1);
    guest.send("four");
    guest.read_to_end();
  });
  Passing front({.routes = {to(server.port())}});
  const std::string hello = hello_for("a.example");
  Guest client(front.port);
  client.send(hello);
  std::vector<ConnectionReport> reports;
  front.host.turn_until([&] {
    reports.clear();
    (void)front.host.shard().look(0, reports);
    return reports.size() == 1 && reports[0].sent_bytes == 4;
  });
  CHECK(reports[0].stage == ConnectionStage::passthrough);
  CHECK(reports[0].server_name == "a.example");
  CHECK(reports[0].server == "127.0.0.1:" + std::to_string(server.port()));
  CHECK(reports[0].received_bytes == hello.size());
}

TEST_CASE("passthrough: a drained server has no new connection, keeps those it has, comes back") {
  Script one(2, answering("one"));
  Script other(3, [](Guest& guest) {
    guest.read_bytes(1);
    guest.send("other");
    guest.read_to_end();
  });
  PassthroughRoute route = to(other.port(), "*.example");
  route.protocols = {"imap", "pop3"};
  route.servers.push_back(clear(one.port()));
  Passing front({.routes = {std::move(route), to(one.port(), "a.example")}});
  Engine& engine = front.host.engine();
  const std::string first = "127.0.0.1:" + std::to_string(one.port());
  const std::string second = "127.0.0.1:" + std::to_string(other.port());
  const std::string mail = hello_for("mail.example", {"imap"});
  const auto report_of = [&](const std::string& server) {
    const auto all = engine.passthrough_servers();
    return *std::ranges::find(all, server, &UpstreamReport::server);
  };
  std::string answers;
  play(front.host, [&] {
    std::optional<Guest> open(std::in_place, front.port);
    open->send(mail);
    CHECK(open->read_bytes(5) == "other"); // By turns.
    CHECK(engine.drain_passthrough(second) == 1);
    for (int count = 0; count < 2; ++count) {
      Guest client(front.port);
      client.send(mail);
      answers += client.read_to_end() + " ";
    }
    CHECK(report_of(second).drained);
    CHECK(report_of(second).outstanding == 1);
    CHECK(engine.drain_passthrough(first) == 2);
    Guest refused(front.port);
    refused.send(mail);
    CHECK(refused.read_to_end() == alert(80));
    open.reset(); // A script has one at a time.
    CHECK(engine.drain_passthrough(second, false) == 1);
    Guest back(front.port);
    back.send(mail);
    CHECK(back.read_bytes(5) == "other");
  });
  CHECK(answers == "one one ");
  CHECK(front.host.faults(Code::passthrough_no_server) == 1);
  CHECK(engine.drain_passthrough("10.0.0.1:1") == 0);
  const auto all = engine.passthrough_servers();
  REQUIRE(all.size() == 3);
  CHECK(all[0].route == "*.example/imap,pop3");
  CHECK(all[2].route == "a.example");
  CHECK(report_of(second).requests == 2);
  CHECK(report_of(second).outstanding == 0);
  CHECK_FALSE(report_of(second).drained);
}

TEST_CASE("passthrough: routes that are none are refused") {
  Host host;
  const auto detail_of = [&](PassthroughOptions options) {
    const auto bound =
        host.engine().serve({.port = 0}, tls::LiveNames(tls::Names()), serving(&tell_peer),
                            {.passthrough = std::move(options)});
    REQUIRE_FALSE(bound);
    CHECK(bound.error().code == Code::config_invalid);
    return bound.error().detail;
  };
  CHECK(detail_of({.routes = {to(443, "no name")}}) == 401);
  CHECK(detail_of({.routes = {{.name = "a.example"}}}) == 401);
  CHECK(detail_of({.routes = {to(443)}, .balance = Balance::target_hash}) == 403);
  const auto plain = host.engine().serve_plain({.port = 0}, serving(&tell_peer),
                                               {.passthrough = {.routes = {to(443)}}});
  REQUIRE_FALSE(plain);
  CHECK(plain.error().detail == 303);
}

} // namespace
} // namespace ringfort::client
