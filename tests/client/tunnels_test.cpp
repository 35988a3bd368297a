// Calls that open a tunnel, by CONNECT or by a switch of protocols, and interim answers that a call
// is told.
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/client/host.hpp"
#include "tests/client/script.hpp"

namespace ringfort::client {
namespace {

constexpr const char* switching =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";

/// Sends back what comes, to the end of the other direction.
Task<> echo_tunnel(Exchange& exchange) {
  const bool connects = exchange.head().method == Method::connect;
  BodyWriter writer = exchange.open_tunnel(connects ? "" : "echo", {});
  for (;;) {
    const auto piece = co_await exchange.body().read();
    if (!piece || piece->empty()) break;
    if (!co_await writer.write(*piece)) co_return;
  }
  (void)co_await writer.finish();
}

Task<Result<>> send_nothing(Errand&, Call& call) { co_return co_await call.write(Bytes()); }

Task<Result<Response>> next(Errand&, Call& call) { co_return co_await call.response(); }

void check_echo(Host& host, Client& client, const Destination& destination, Request request,
                int status) {
  const std::string text = bulk();
  host.run([&](Errand& errand) -> Task<> {
    Call call = client.call(errand, destination, std::move(request));
    const auto response = co_await call.response();
    CHECK(response);
    if (!response) co_return;
    CHECK(response->status == status);
    const auto [sent, received] = co_await both(send(errand, call, text), body_of(errand, call));
    CHECK(sent);
    CHECK(received.value_or("") == text);
    CHECK(call.facts().complete);
  });
  CHECK(client.counts().idle == 0); // A tunnel serves no other call.
  CHECK(client.counts().active == 0);
}

TEST_CASE("tunnel: 101 opens it, and both directions carry more than any credit, then end") {
  Host host;
  const auto here = host.engine().serve_plain({.port = 0}, serving(&echo_tunnel));
  REQUIRE(here);
  const auto client = client_of(host);
  check_echo(host, *client, clear(here->port), {.upgrade = "echo"}, 101);
}

TEST_CASE("tunnel: CONNECT opens one with 200, whatever it asks for") {
  Host host;
  const auto here = host.engine().serve_plain({.port = 0}, serving(&echo_tunnel));
  REQUIRE(here);
  const auto client = client_of(host);
  check_echo(host, *client, clear(here->port), {.method = "CONNECT", .target = "there.example:443"},
             200);
}

TEST_CASE("tunnel: what follows the head in the same segment belongs to it") {
  Script server(1, [](Guest& guest) {
    CHECK(guest.read_until("\r\n\r\n").find("connection: upgrade\r\nupgrade: echo\r\n") !=
          std::string::npos);
    guest.send(std::string(switching) + "at once");
    guest.read_until("and back");
  });
  Host host;
  const auto client = client_of(host);
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(server.port()), {.upgrade = "echo"});
    const auto response = co_await call.response();
    CHECK(response);
    const auto piece = co_await call.read();
    CHECK(piece);
    if (piece) CHECK(text_of(*piece) == "at once");
    const auto written = co_await call.write("and back");
    CHECK(written);
    const auto end = co_await call.read();
    CHECK((end && end->empty()));
  });
}

TEST_CASE("tunnel: a switch that nobody offered, or to another protocol, is answer.bad_switch") {
  Script server(2, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send(switching);
    guest.read_to_end();
  });
  Host host;
  const auto client = client_of(host);
  const auto unasked = outcome_of(host, *client, clear(server.port()));
  REQUIRE_FALSE(unasked.response);
  CHECK(unasked.response.error().code == Code::answer_bad_switch);
  const auto other = outcome_of(host, *client, clear(server.port()), {.upgrade = "websocket"});
  REQUIRE_FALSE(other.response);
  CHECK(other.response.error().code == Code::answer_bad_switch);
}

TEST_CASE("tunnel: a server that answers otherwise answers as ever, and its connection is kept") {
  Script server(1, [](Guest& guest) {
    for (int count = 0; count < 2; ++count) {
      guest.read_until("\r\n\r\n");
      guest.send("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\nno");
    }
    guest.read_to_end();
  });
  Host host;
  const auto client = client_of(host);
  for (int count = 0; count < 2; ++count) {
    const auto outcome = outcome_of(host, *client, clear(server.port()), {.upgrade = "echo"});
    CHECK(outcome.status == 426);
    CHECK(outcome.body == "no");
  }
  CHECK(client->counts().reused == 1);
}

TEST_CASE("tunnel: a server that resets it fails both directions") {
  Script server(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send(switching);
    guest.read_until("first");
    guest.reset();
  });
  Host host;
  const auto client = client_of(host);
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(server.port()), {.upgrade = "echo"});
    const auto response = co_await call.response();
    CHECK(response);
    const auto written = co_await call.write("first");
    CHECK(written);
    const auto piece = co_await call.read();
    CHECK_FALSE(piece);
    const auto late = co_await call.write("second");
    CHECK_FALSE(late);
    CHECK_FALSE(call.facts().complete);
  });
}

TEST_CASE("tunnel: one in which nothing moves ends: answer.tunnel_timed_out") {
  Script server(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send(switching);
    guest.read_to_end();
  });
  EngineOptions options = Host::options_of();
  options.limits.tunnel_idle_timeout = std::chrono::milliseconds(50);
  Host host(options);
  const auto client = client_of(host);
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(server.port()), {.upgrade = "echo"});
    const auto response = co_await call.response();
    CHECK(response);
    const auto piece = co_await call.read();
    CHECK_FALSE(piece);
    if (!piece) CHECK(piece.error().code == Code::answer_tunnel_timed_out);
  });
}

TEST_CASE("tunnel: a body that streams beside an offer or a CONNECT is call.bad_request") {
  Host host;
  const auto client = client_of(host);
  for (const bool connects : {false, true}) {
    Request request{.streams = true, .upgrade = "echo"};
    if (connects) request = {.method = "CONNECT", .target = "a:1", .streams = true};
    const auto outcome = outcome_of(host, *client, clear(1), std::move(request));
    REQUIRE_FALSE(outcome.response);
    CHECK(outcome.response.error().code == Code::call_bad_request);
  }
}

TEST_CASE("interim: each interim answer is told, in order, before the answer") {
  Script server(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"
               "HTTP/1.1 102 Processing\r\n\r\n"
               "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nend");
    guest.read_to_end();
  });
  Host host;
  const auto client = client_of(host);
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(server.port()), {.tells_interim = true});
    const auto hints = co_await call.response();
    CHECK(hints);
    if (hints) {
      CHECK(hints->status == 103);
      CHECK(hints->fields.find("link") == "</a.css>");
    }
    const auto processing = co_await call.response();
    CHECK((processing && processing->status == 102 && processing->fields.empty()));
    const auto answer = co_await call.response();
    CHECK((answer && answer->status == 200));
    const auto body = co_await body_of(errand, call);
    CHECK(body.value_or("") == "end");
  });
  CHECK(client->counts().idle == 1);
}

TEST_CASE("interim: a connection that ends after an interim answer fails the call after it") {
  Script server(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 103 Early Hints\r\n\r\n");
  });
  Host host;
  const auto client = client_of(host);
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(server.port()), {.tells_interim = true});
    const auto hints = co_await call.response();
    CHECK((hints && hints->status == 103));
    const auto answer = co_await call.response();
    CHECK_FALSE(answer);
    if (!answer) CHECK(answer.error().code == Code::answer_none);
  });
}

TEST_CASE("interim: an empty piece is answered when the server wants the body, and not before") {
  Script server(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    guest.send("HTTP/1.1 100 Continue\r\n\r\n");
    guest.read_until("the body");
    guest.send("HTTP/1.1 204 No Content\r\n\r\n");
    guest.read_to_end();
  });
  Host host;
  const auto client = client_of(host);
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(server.port()),
                             {.method = "POST",
                              .streams = true,
                              .length = 8,
                              .expects_continue = true,
                              .tells_interim = true});
    const auto hints = co_await call.response();
    CHECK((hints && hints->status == 103));
    const auto [wanted, hundred] = co_await both(send_nothing(errand, call), next(errand, call));
    CHECK(wanted);
    CHECK((hundred && hundred->status == 100));
    const auto written = co_await call.write("the body");
    CHECK(written);
    const auto finished = co_await call.finish();
    CHECK(finished);
    const auto answer = co_await call.response();
    CHECK((answer && answer->status == 204));
  });
}

} // namespace
} // namespace ringfort::client
