// Two coroutines of one handler or errand side by side: a request on its way out while its answer
// comes in, and two calls at once.
#include <atomic>
#include <cstddef>
#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "tests/client/host.hpp"
#include "tests/client/script.hpp"

namespace ringfort::client {
namespace {

/// Sends back what comes as it comes.
Task<> echo(Exchange& exchange) {
  BodyWriter writer = exchange.stream(200, {});
  for (;;) {
    const auto piece = co_await exchange.body().read();
    if (!piece) co_return;
    if (piece->empty()) break;
    if (!co_await writer.write(*piece)) co_return;
  }
  (void)co_await writer.finish();
}

Task<Result<std::string>> receive(Errand& errand, Call& call) {
  const auto response = co_await call.response();
  if (!response) co_return std::unexpected(response.error());
  co_return co_await body_of(errand, call);
}

// What a proxy's handler does: each direction waits for itself.
Task<Result<>> pass_up(Exchange& exchange, Call& call) {
  for (;;) {
    const auto piece = co_await exchange.body().read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return co_await call.finish();
    if (auto written = co_await call.write(*piece); !written) co_return written;
  }
}

Task<Result<>> pass_down(Exchange& exchange, Call& call) {
  const auto response = co_await call.response();
  if (!response) {
    exchange.respond(502, {});
    exchange.body().leave();
    co_return std::unexpected(response.error());
  }
  BodyWriter writer = exchange.stream(response->status, {}, response->length);
  for (;;) {
    const auto piece = co_await call.read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) break;
    if (auto written = co_await writer.write(*piece); !written) co_return written;
  }
  exchange.body().leave();
  co_return co_await writer.finish();
}

/// Front and back in one engine, and what the front's two directions came to.
struct Relayed {
  explicit Relayed(std::uint16_t back_port) : back(clear(back_port)) {}

  Task<> pass(Exchange& exchange) {
    Call call = client->call(exchange, back, {.method = "POST", .streams = true});
    const auto [sent, received] = co_await both(pass_up(exchange, call), pass_down(exchange, call));
    up = sent;
    down = received;
  }

  Host host;
  Destination back;
  std::unique_ptr<Client> client = client_of(host);
  Result<> up = fail(Code::call_ended);
  Result<> down = fail(Code::call_ended);
};

TEST_CASE("RQ-10: an answer is read while its request is written, far beyond both credits") {
  Host host;
  const auto here = host.engine().serve_plain({.port = 0}, serving(&echo));
  REQUIRE(here);
  const bool only_call = GENERATE(false, true); // Asked to close, a server says so at once.
  const auto client = client_of(host, [=](ClientOptions& options) {
    if (only_call) options.calls_per_connection_max = 1;
  });
  const std::string text = bulk();
  const bool announced = GENERATE(false, true);
  host.run([&](Errand& errand) -> Task<> {
    Request request{.method = "POST", .streams = true};
    if (announced) request.length = text.size();
    Call call = client->call(errand, clear(here->port), std::move(request));
    const auto [sent, received] = co_await both(send(errand, call, text), receive(errand, call));
    CHECK(sent);
    CHECK(received);
    CHECK(received.value_or("") == text);
    CHECK(call.facts().complete);
  });
  CHECK(client->counts().idle == (only_call ? 0 : 1));
}

TEST_CASE("RS-06: an answer that nobody reads stops its server, and then loses no byte") {
  const std::string text = bulk(8);
  std::atomic<std::size_t> sent_bytes = 0;
  Script back(1, [&](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(text.size()) + "\r\n\r\n");
    constexpr std::size_t piece_bytes = 16'384;
    for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
      guest.send(std::string_view(text).substr(at, piece_bytes));
      sent_bytes += piece_bytes;
    }
    guest.read_to_end();
  });
  Host host;
  const auto client = client_of(host);
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(back.port()), {});
    const bool answered = (co_await call.response()).has_value();
    std::size_t before = 0;
    do {
      before = sent_bytes;
      if (!co_await errand.sleep(std::chrono::milliseconds(20))) co_return;
    } while (before == 0 || before != sent_bytes);
    CHECK(before < text.size());
    const auto body = co_await body_of(errand, call);
    CHECK((answered && body));
    CHECK((body && *body == text));
  });
}

TEST_CASE("duplex: a handler passes both directions of a request on at once") {
  Relayed front(0);
  const auto echoing = front.host.engine().serve_plain({.port = 0}, serving(&echo));
  REQUIRE(echoing);
  front.back = clear(echoing->port);
  const auto here = front.host.engine().serve_plain(
      {.port = 0}, serving([&front](Exchange& exchange) { return front.pass(exchange); }));
  REQUIRE(here);
  const auto outside = client_of(front.host);
  const std::string text = bulk();
  front.host.run([&](Errand& errand) -> Task<> {
    Call call = outside->call(errand, clear(here->port), {.method = "POST", .streams = true});
    const auto [sent, received] = co_await both(send(errand, call, text), receive(errand, call));
    CHECK(sent);
    CHECK(received.value_or("") == text);
  });
  CHECK(front.up);
  CHECK(front.down);
}

TEST_CASE("duplex: two calls of one errand run at once, each on a connection of its own") {
  Host host;
  unsigned running = 0;
  unsigned running_max = 0;
  const auto meet = [&](Exchange& exchange) -> Task<> {
    running_max = std::max(running_max, ++running);
    while (running_max < 2 && co_await exchange.sleep(std::chrono::milliseconds(10))) {}
    exchange.respond(200, {}, Payload::forever("met"));
  };
  const auto here = host.engine().serve_plain({.port = 0}, serving(meet));
  REQUIRE(here);
  const auto client = client_of(host);
  host.run([&](Errand& errand) -> Task<> {
    Call one = client->call(errand, clear(here->port), {});
    Call other = client->call(errand, clear(here->port), {});
    const auto [first, second] = co_await both(receive(errand, one), receive(errand, other));
    CHECK(first.value_or("") == "met");
    CHECK(second.value_or("") == "met");
  });
  CHECK(running_max == 2);
  CHECK(client->counts().connections == 2);
}

TEST_CASE("duplex: who writes the answer leaves the rest of the body: request_stream.left_unread") {
  Script back(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send(
        "HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 3\r\n\r\nno\n");
    guest.read_to_end();
  });
  Relayed front(back.port());
  const auto here = front.host.engine().serve_plain(
      {.port = 0}, serving([&front](Exchange& exchange) { return front.pass(exchange); }));
  REQUIRE(here);
  const auto outside = client_of(front.host);
  front.host.run([&](Errand& errand) -> Task<> {
    Call call = outside->call(errand, clear(here->port), {.method = "POST", .streams = true});
    const auto begun = co_await call.write("a beginning whose end never comes");
    CHECK(begun);
    const auto received = co_await receive(errand, call);
    if (!received) UNSCOPED_INFO(full_name(fault_of(received.error().code)));
    CHECK(received.value_or("") == "no\n");
  });
  REQUIRE_FALSE(front.up);
  CHECK(front.up.error().code == Code::request_stream_left_unread);
  CHECK(front.down);
}

TEST_CASE("duplex: an answer that is complete ends a write that waits for room") {
  Script back(1, [](Guest& guest) {
    guest.read_until("\r\n\r\n");
    guest.send("HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nno\n");
    guest.wait_for_end(); // Without taking any more.
  });
  Host host;
  const auto client = client_of(host);
  const std::string text = bulk();
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(back.port()), {.method = "POST", .streams = true});
    const auto [sent, received] = co_await both(send(errand, call, text), receive(errand, call));
    CHECK(sent); // The answer tells.
    CHECK(received.value_or("") == "no\n");
    CHECK(call.facts().complete);
  });
  CHECK(client->counts().idle == 0);
}

// What cannot be sent any more is dropped without a word: it is the answer that tells.
TEST_CASE("duplex: a server that leaves ends both directions, and the answer says why") {
  Script back(1, [](Guest& guest) {
    guest.read_until("aaaa");
    guest.reset();
  });
  Host host;
  const auto client = client_of(host);
  const std::string text = bulk();
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(back.port()), {.method = "POST", .streams = true});
    const auto [sent, received] = co_await both(send(errand, call, text), receive(errand, call));
    CHECK_FALSE(received);
    if (!received) CHECK(received.error().code == Code::upload_peer_closed);
    if (!sent) CHECK(sent.error().code == Code::upload_peer_closed);
    CHECK_FALSE(call.facts().complete);
  });
  CHECK(client->counts().active == 0);
}

TEST_CASE("duplex: a client that leaves fails what its handler's two directions wait for") {
  Script back(1, [](Guest& guest) { guest.read_to_end(); });
  Relayed front(back.port());
  bool over = false;
  const auto here = front.host.engine().serve_plain(
      {.port = 0}, serving([&](Exchange& exchange) -> Task<> {
        Call call = front.client->call(exchange, front.back, {.method = "POST", .streams = true});
        const auto [up, down] = co_await both(pass_up(exchange, call), pass_down(exchange, call));
        CHECK_FALSE(up);
        CHECK_FALSE(down);
        over = true;
      }));
  REQUIRE(here);
  {
    Guest outside(here->port);
    outside.send("POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n");
    front.host.turn_until([&] { return front.client->counts().active == 1; });
    outside.reset();
  }
  front.host.turn_until([&] { return over; });
  CHECK(front.client->counts().active == 0);
}

TEST_CASE("duplex: the end of a drain's grace fails both directions of an errand's call") {
  Script back(1, [](Guest& guest) { guest.read_to_end(); });
  const std::string text = bulk();
  unsigned ended = 0;
  {
    Host host;
    const auto client = client_of(host);
    const bool started = host.shard().run([&](Errand& errand) -> Task<> {
      Call call = client->call(errand, clear(back.port()), {.method = "POST", .streams = true});
      const auto [sent, received] = co_await both(send(errand, call, text), receive(errand, call));
      ended += !sent && sent.error().code == Code::call_ended;
      ended += !received && received.error().code == Code::call_ended;
    });
    REQUIRE(started);
    host.turn_until([&] { return client->counts().active == 1; });
    host.engine().drain(std::chrono::milliseconds::zero());
    host.turn_until([&] { return host.shard().ended(); });
  }
  CHECK(ended == 2);
}

TEST_CASE("duplex: when the arena has no room for two, neither begins: handler.no_memory") {
  Host host;
  const auto client = client_of(host);
  host.run([&](Errand& errand) -> Task<> {
    Call call = client->call(errand, clear(1), {});
    while (errand.arena().allocate(64) != nullptr) {}
    const auto [sent, received] = co_await both(send(errand, call, "a"), receive(errand, call));
    CHECK(sent.error().code == Code::handler_no_memory);
    CHECK(received.error().code == Code::handler_no_memory);
    CHECK(call.facts().sent_bytes == 0);
  });
}

} // namespace
} // namespace ringfort::client
