// A gateway between a client and its servers: what goes on, what ends, and what is told when a
// server does not answer.
#include <array>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <ringfort/gateway.hpp>

#include "tests/client/host.hpp"
#include "tests/client/script.hpp"
#include "tests/client/trusted.hpp"
#include "tests/unit/engine/loopback.hpp"

namespace ringfort::client {
namespace {

/// The request as a server has it: its line, then each field.
std::string told(const Exchange& exchange) {
  std::string text(exchange.head().method_name);
  text.append(" ").append(exchange.head().target).append("\n");
  for (const Field& field : exchange.fields()) {
    text.append(field.name).append(": ").append(field.value).append("\n");
  }
  return text;
}

void tell(Exchange& exchange) { exchange.respond(200, {}, Payload::copied(told(exchange))); }

/// Sends back what comes as it comes, with its trailers.
Task<> echo(Exchange& exchange) {
  BodyWriter writer = exchange.stream(200, {});
  for (;;) {
    const auto piece = co_await exchange.body().read();
    if (!piece) co_return;
    if (piece->empty()) break;
    if (!co_await writer.write(*piece)) co_return;
  }
  const Fields trailers = exchange.body().trailers();
  (void)co_await writer.finish({trailers.begin(), trailers.end()});
}

/// An engine that serves, asks through its gateway, and may be the server behind it.
struct Front {
  Host host;
  std::optional<Gateway> gateway;
  std::uint16_t port = 0;

  GatewayOptions options(std::vector<Destination> upstreams) {
    return {.upstreams = std::move(upstreams),
            .client = {.tls = Trusted().believed()},
            .upgrades = {"echo"}};
  }
  void open(GatewayOptions options) {
    gateway = Gateway::create(std::move(options)).value();
    port = host.engine()
               .serve_plain({.port = 0}, [this](Shard& shard) { return *gateway->service(shard); })
               .value()
               .port;
  }
  void open(std::uint16_t upstream) { open(options({clear(upstream)})); }
  std::uint16_t serve(auto handler) {
    return host.engine().serve_plain({.port = 0}, serving(handler)).value().port;
  }
};

struct Answered {
  int status = 0;
  std::string body;
  std::string fields;
};

Answered ask(Front& front, Request request, const Destination& destination) {
  const auto outside = client_of(front.host);
  Answered answered;
  front.host.run([&](Errand& errand) -> Task<> {
    Call call = outside->call(errand, destination, std::move(request));
    const auto response = co_await call.response();
    CHECK(response);
    if (!response) co_return;
    answered.status = response->status;
    for (const Field& field : response->fields) {
      if (same_name(field.name, "date")) continue;
      answered.fields.append(field.name).append(": ").append(field.value).append("\n");
    }
    const auto body = co_await body_of(errand, call);
    CHECK(body);
    answered.body = body.value_or("");
  });
  return answered;
}

Answered ask(Front& front, Request request = {}) {
  return ask(front, std::move(request), clear(front.port));
}

/// What a raw request is answered with, to the end of the connection.
std::string raw(Front& front, const std::string& request) {
  std::string answer;
  std::thread outside([&] {
    Guest guest(front.port);
    guest.send(request);
    answer = guest.read_to_end();
    front.host.engine().drain(std::chrono::milliseconds(0));
  });
  front.host.turn_until([&] { return front.host.shard().ended(); });
  outside.join();
  return answer;
}

TEST_CASE(
    "gateway: a request reaches the server whole, with what this hop says of the one before") {
  Front front;
  front.open(front.serve(&tell));
  const std::array fields{Field{"x-own", "1"}, Field{"cookie", "a=b"}};
  const Answered answered =
      ask(front, {.target = "/a?b", .authority = "a.example:81", .fields = fields});
  CHECK(answered.status == 200);
  CHECK(answered.body == "GET /a?b\n"
                         "host: a.example:81\n"
                         "x-own: 1\n"
                         "cookie: a=b\n"
                         "forwarded: for=127.0.0.1;host=\"a.example:81\";proto=http\n"
                         "x-forwarded-for: 127.0.0.1\n"
                         "x-forwarded-proto: http\n"
                         "x-forwarded-host: a.example:81\n"
                         "via: 1.1 ringfort\n");
  CHECK(answered.fields.contains("via: 1.1 ringfort\n"));
}

TEST_CASE("gateway: what a client claims of itself, and fields of the hop, end here") {
  Front front;
  front.open(front.serve(&tell));
  const std::string answer =
      raw(front, "GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\n"
                 "Connection: close, x-hop, host\r\nX-Hop: 1\r\nKeep-Alive: timeout=1\r\n"
                 "TE: trailers\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\n"
                 "Proxy: http://evil\r\nForwarded: for=6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\n"
                 "x-forwarded-proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n"
                 "X-Real-IP: 6.6.6.6\r\nVia: 1.1 other\r\n\r\n");
  CHECK(answer.ends_with("GET /x?y\n"
                         "host: a.example\n"
                         "Via: 1.1 other\n"
                         "forwarded: for=127.0.0.1;host=\"a.example\";proto=http\n"
                         "x-forwarded-for: 127.0.0.1\n"
                         "x-forwarded-proto: http\n"
                         "x-forwarded-host: a.example\n"
                         "via: 1.1 ringfort\n"));
}

TEST_CASE(
    "gateway: a trusted proxy's word on the client is passed on, when it is one clean value") {
  Front front;
  const std::uint16_t back = front.serve(&tell);
  GatewayOptions options = front.options({clear(back)});
  options.trusted_proxies = {"127.0.0.0/8"};
  front.open(std::move(options));
  const std::array claims{Field{"x-forwarded-for", "203.0.113.9"},
                          Field{"x-forwarded-proto", "https"},
                          Field{"x-forwarded-host", "public.example"}};
  CHECK(ask(front, {.fields = claims})
            .body.contains("forwarded: for=203.0.113.9;host=\"public.example\";proto=https\n"
                           "x-forwarded-for: 203.0.113.9\nx-forwarded-proto: https\n"
                           "x-forwarded-host: public.example\n"));
  const std::array listed{Field{"x-forwarded-for", "203.0.113.9, 6.6.6.6"},
                          Field{"x-forwarded-proto", "gopher"}};
  CHECK(ask(front, {.fields = listed})
            .body.contains("x-forwarded-for: 127.0.0.1\nx-forwarded-proto: http\n"));
}

TEST_CASE(
    "gateway: 4 MB go both ways at once, with a length or in chunks, and trailers with them") {
  const bool announced = GENERATE(false, true);
  Front front;
  front.open(front.serve(&echo));
  const std::string text(4'000'000, 't');
  const auto outside = client_of(front.host);
  std::string back;
  std::string trailer;
  front.host.run([&](Errand& errand) -> Task<> {
    Request request{.method = "POST", .streams = true};
    if (announced) request.length = text.size();
    Call call = outside->call(errand, clear(front.port), std::move(request));
    const auto send = [](Errand&, Call& to, const std::string& all) -> Task<Result<>> {
      for (std::size_t at = 0; at < all.size(); at += 50'000) {
        const auto written = co_await to.write(std::string_view(all).substr(at, 50'000));
        if (!written) co_return written;
      }
      const Field field{"x-sum", "4"};
      co_return co_await to.finish({&field, 1});
    };
    const auto receive = [](Errand& own, Call& from) -> Task<Result<std::string>> {
      const auto response = co_await from.response();
      if (!response) co_return std::unexpected(response.error());
      co_return co_await body_of(own, from);
    };
    const auto [sent, received] = co_await both(send(errand, call, text), receive(errand, call));
    CHECK(sent);
    back = received.value_or("");
    trailer = call.trailers().find("x-sum").value_or("");
  });
  CHECK(back == text);
  if (!announced) CHECK(trailer == "4");
}

TEST_CASE("gateway: HEAD, 304 and 204 keep what they say of a body that does not follow") {
  Front front;
  front.open(front.serve([](Exchange& exchange) {
    const std::string_view target = exchange.head().target;
    if (target == "/204") return exchange.respond(204, {});
    exchange.respond(target == "/304" ? 304 : 200, {}, Payload::forever("five!"));
  }));
  CHECK(ask(front, {.method = "HEAD"}).fields.contains("content-length: 5\n"));
  CHECK(ask(front, {.target = "/304"}).status == 304);
  const Answered none = ask(front, {.target = "/204"});
  CHECK(none.status == 204);
  CHECK_FALSE(none.fields.contains("content-length"));
  CHECK(ask(front).body == "five!");
}

TEST_CASE("gateway: interim answers go through, and 100 comes when the server wants the body") {
  Front front;
  front.open(front.serve([](Exchange& exchange) -> Task<> {
    const Field hint{"link", "</a.css>"};
    exchange.inform(103, {&hint, 1});
    std::string text;
    for (;;) {
      const auto piece = co_await exchange.body().read();
      if (!piece) co_return;
      if (piece->empty()) break;
      text.append(text_of(*piece));
    }
    exchange.respond(200, {}, Payload::copied(text));
  }));
  std::string heads;
  std::thread outside([&] {
    Guest guest(front.port);
    guest.send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    heads = guest.read_until("100 Continue\r\n\r\n");
    guest.send("body");
    heads += guest.read_until("\r\n\r\nbody");
    front.host.engine().drain(std::chrono::milliseconds(0));
  });
  front.host.turn_until([&] { return front.host.shard().ended(); });
  outside.join();
  INFO(heads);
  CHECK(heads.starts_with("HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n"));
  CHECK(heads.contains("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST_CASE("gateway: a server that wants no body says so, and the client is not told to send it") {
  Front front;
  front.open(front.serve([](Exchange& exchange) { exchange.respond(413, {}); }));
  const std::string answer =
      raw(front, "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 413 "));
  CHECK_FALSE(answer.contains("100 Continue"));
}

TEST_CASE("gateway: a switch of protocols opens a tunnel through both hops") {
  Front front;
  front.open(front.serve([](Exchange& exchange) -> Task<> {
    BodyWriter writer = exchange.open_tunnel("echo", {});
    for (;;) {
      const auto piece = co_await exchange.body().read();
      if (!piece || piece->empty()) break;
      if (!co_await writer.write(*piece)) co_return;
    }
    (void)co_await writer.finish();
  }));
  const auto outside = client_of(front.host);
  front.host.run([&](Errand& errand) -> Task<> {
    Call call = outside->call(errand, clear(front.port), {.upgrade = "echo"});
    const auto response = co_await call.response();
    CHECK((response && response->status == 101));
    for (const char* word : {"one", "two"}) {
      const auto written = co_await call.write(word);
      CHECK(written);
      const auto piece = co_await call.read();
      CHECK((piece && text_of(*piece) == word));
    }
    const auto finished = co_await call.finish();
    CHECK(finished);
    const auto end = co_await call.read();
    CHECK((end && end->empty()));
  });
}

TEST_CASE("gateway: a tunnel that its server breaks is broken for the client too") {
  Front front;
  Script server(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
    guest.read_until("go");
    guest.reset();
  });
  front.open(server.port());
  const auto outside = client_of(front.host);
  front.host.run([&](Errand& errand) -> Task<> {
    Call call = outside->call(errand, clear(front.port), {.upgrade = "echo"});
    const auto response = co_await call.response();
    CHECK((response && response->status == 101));
    const auto written = co_await call.write("go");
    CHECK(written);
    const auto end = co_await call.read();
    CHECK_FALSE(end);
  });
}

TEST_CASE("gateway: only a protocol that may be is offered on, and its settings end here") {
  Front front;
  front.open(front.serve(&tell));
  const Field settings{"http2-settings", "AAMAAABk"};
  const Answered both = ask(front, {.fields = {&settings, 1}, .upgrade = "h2c, echo"});
  CHECK(both.body.contains("upgrade: echo\n"));
  CHECK_FALSE(both.body.contains("h2"));
  CHECK_FALSE(both.body.contains("settings"));
  CHECK_FALSE(ask(front, {.upgrade = "h2c"}).body.contains("upgrade"));
}

TEST_CASE("gateway: what a server does not answer is 502, 503 or 504, with what failed and where") {
  Front front;
  Script silent(1, [](Guest& guest) { guest.read_to_end(); });
  Script leaving(1, [](Guest& guest) { guest.read_until("\r\n\r\n"); });
  Script babbling(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("SSH-2.0-x\r\n");
    guest.read_to_end();
  });
  struct Row {
    std::uint16_t port;
    int status;
    const char* field;
  };
  const std::array rows{
      Row{engine::refusing_address().port(), 502,
          "error=connection_refused; details=\"connect.refused in connect\""},
      Row{silent.port(), 504,
          "error=http_response_timeout; details=\"answer.head_timed_out in wait\""},
      Row{leaving.port(), 502, "error=connection_terminated; details=\"answer.none in wait\""},
      Row{babbling.port(), 502, "error=http_protocol_error; details=\"answer.malformed in wait\""}};
  const Row& row = rows[GENERATE(0U, 1U, 2U, 3U)];
  GatewayOptions options = front.options({clear(row.port)});
  options.client.answer_timeout = std::chrono::milliseconds(100);
  front.open(std::move(options));
  const Answered answered = ask(front);
  CHECK(answered.status == row.status);
  INFO(answered.fields);
  CHECK(answered.fields.contains("proxy-status: ringfort; " + std::string(row.field) + "\n"));
}

TEST_CASE("gateway: a server's TLS that fails is told apart from a server that answers 502") {
  Front front;
  const Trusted other{.authority = peer::Authority("others")};
  const auto back = front.host.engine().serve({.port = 0}, other.context(), serving(&tell));
  REQUIRE(back);
  front.open(front.options({secure(back->port)}));
  const Answered answered = ask(front);
  CHECK(answered.status == 502);
  INFO(answered.fields);
  CHECK(answered.fields.contains("error=tls_certificate_error; details=\"tls_handshake."));
}

TEST_CASE("gateway: an encrypted server is verified, and spans() says what is protected") {
  Front front;
  const Trusted trusted;
  const auto back = front.host.engine().serve({.port = 0}, trusted.context(), serving(&tell));
  REQUIRE(back);
  GatewayOptions options{.upstreams = {secure(back->port), clear(80)},
                         .client = {.tls = trusted.believed()}};
  options.upstreams[1].host = "10.0.0.7";
  front.open(std::move(options));
  CHECK(ask(front).status == 200);
  CHECK(front.gateway->spans() == "ringfort -> localhost:" + std::to_string(back->port) +
                                      " - HTTPS, verified as localhost\n"
                                      "ringfort -> 10.0.0.7:80 - HTTP\n");
}

TEST_CASE("gateway: an answer that is cut is cut, and never looks complete") {
  Front front;
  Script cutting(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfive!");
  });
  front.open(cutting.port());
  const auto outside = client_of(front.host);
  const Outcome outcome = outcome_of(front.host, *outside, clear(front.port));
  CHECK(outcome.status == 200);
  REQUIRE(outcome.body_error);
  CHECK_FALSE(outcome.facts.complete);
}

TEST_CASE(
    "gateway: a server that takes no connection is passed over, also for a body that streams") {
  const bool streams = GENERATE(false, true);
  Front front;
  const std::uint16_t back = front.serve(&echo);
  const Destination nobody = clear(engine::refusing_address().port());
  front.open(front.options({nobody, clear(back)}));
  for (int count = 0; count < 4; ++count) {
    Request request{.method = "POST", .body = Payload::forever("body")};
    if (!streams) request = {};
    CHECK(ask(front, std::move(request)).status == 200);
  }
}

TEST_CASE("gateway: servers have requests by turns, and who fails in a row is left alone") {
  Front front;
  std::array<unsigned, 2> asked{};
  std::vector<Destination> upstreams;
  for (unsigned& count : asked) {
    upstreams.push_back(clear(front.serve([&count](Exchange& exchange) {
      ++count;
      exchange.respond(204, {});
    })));
  }
  upstreams.push_back(clear(engine::refusing_address().port()));
  GatewayOptions options = front.options(std::move(upstreams));
  options.failures_max = 2;
  front.open(std::move(options));
  for (int count = 0; count < 12; ++count) CHECK(ask(front).status == 204);
  CHECK(asked[0] + asked[1] == 12);
  CHECK(asked[0] >= 5);
  CHECK(asked[1] >= 5);
  CHECK(front.host.faults(Code::connect_refused) == 2);
}

TEST_CASE("gateway: a server that says it is not well has no requests until it says otherwise") {
  Front front;
  bool well = false;
  unsigned checks = 0;
  const std::uint16_t back = front.serve([&](Exchange& exchange) {
    const bool check = exchange.head().target == "/health";
    checks += check;
    exchange.respond(check && !well ? 500 : 204, {});
  });
  GatewayOptions options = front.options({clear(back)});
  options.health = {.target = "/health",
                    .interval = std::chrono::milliseconds(10),
                    .failures_max = 1,
                    .successes_min = 1};
  front.open(std::move(options));
  front.host.turn_until([&] { return checks > 1; });
  const Answered none = ask(front);
  CHECK(none.status == 503);
  CHECK(none.fields.contains("error=destination_unavailable"));
  well = true;
  const unsigned before = checks;
  front.host.turn_until([&] { return checks > before + 1; });
  CHECK(ask(front).status == 204);
}

TEST_CASE("gateway: settings that cannot be are config.invalid, and which") {
  Front front;
  const auto refused = [&](const std::function<void(GatewayOptions&)>& change) {
    GatewayOptions options = front.options({clear(80)});
    change(options);
    const auto gateway = Gateway::create(std::move(options));
    REQUIRE_FALSE(gateway);
    CHECK(gateway.error().code == Code::config_invalid);
    return gateway.error().detail;
  };
  CHECK(refused([](auto& options) { options.upstreams.clear(); }) == 1);
  CHECK(refused([](auto& options) {
          options.upstreams[0].encrypted = true;
          options.client.tls.reset();
        }) == 2);
  CHECK(refused([](auto& options) { options.trusted_proxies = {"10.0.0.0/33"}; }) == 5);
  CHECK(refused([](auto& options) { options.name = "two words"; }) == 7);
  CHECK(refused([](auto& options) { options.upgrades = {"a, b"}; }) == 8);
  CHECK(refused([](auto& options) { options.failures_max = 1'001; }) == 9);
  CHECK(refused([](auto& options) { options.ejection_time = std::chrono::milliseconds(-1); }) ==
        10);
  CHECK(refused([](auto& options) { options.health.target = "no path"; }) == 11);
  CHECK(refused([](auto& options) { options.health.failures_max = 0; }) == 11);
}

TEST_CASE("gateway: methods that are not for it are 405, and name those that are") {
  Front front;
  front.open(front.serve(&tell));
  CHECK(ask(front, {.method = "TRACE"}).status == 405);
  CHECK(ask(front, {.method = "CONNECT", .target = "a:1"}).fields.contains("allow: GET, HEAD"));
  CHECK(ask(front, {.method = "OPTIONS", .target = "*"}).body.starts_with("OPTIONS *\n"));
}

TEST_CASE("gateway: a client that ends its body early is answered by its own failure") {
  Front front;
  front.open(front.serve(&echo));
  const std::string answer =
      raw(front, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n");
  INFO(answer);
  CHECK(answer.starts_with("HTTP/1.1 400 "));
}

} // namespace
} // namespace ringfort::client
