// The public surface as an embedding program uses it, over the kernel's ring.
#include <atomic>
#include <memory>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/engine.hpp>

#include "tests/peer/identity.hpp"
#include "tests/surface/connection.hpp"

namespace ringfort::surface {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view get = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
constexpr std::string_view body = "Hello, World!";

EngineOptions options_of(unsigned shards) {
  EngineOptions options;
  options.shards = shards;
  options.block_count = 512;
  options.limits.connections_max = 1'024;
  return options;
}

/// An engine that runs until the test is over.
class Running {
public:
  explicit Running(unsigned shards = 1) : engine(*Engine::create(options_of(shards))) {}
  ~Running() {
    engine->drain(1s);
    if (thread.joinable()) thread.join();
  }
  void run() {
    thread = std::thread([this] { ended = engine->run(); });
  }

  std::unique_ptr<Engine> engine;
  std::thread thread;
  Result<> ended;
};

ServiceFactory hello() {
  return [](Shard&) {
    return service([](Exchange& exchange) { exchange.respond(200, {}, Payload::forever(body)); });
  };
}

std::string answer_of(Connection& connection) { return connection.read_until(body); }

TEST_CASE("surface: two engines live in one process, each with its own port and counters") {
  Running first;
  Running second;
  const auto one = first.engine->serve_plain({.port = 0}, hello());
  const auto other = second.engine->serve_plain({.port = 0}, hello());
  REQUIRE(one);
  REQUIRE(other);
  CHECK(one->port != other->port);
  first.run();
  second.run();
  Connection to_one(one->port);
  to_one.send(get);
  CHECK(answer_of(to_one).starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(first.engine->metrics().requests == 1);
  CHECK(second.engine->metrics().requests == 0);
}

TEST_CASE("surface: one engine serves TLS and clear text on two ports, over all its shards") {
  const tls::Context context = peer::make_context({peer::KeyType::ecdsa_p256});
  Running running(2);
  const auto secure = running.engine->serve({.port = 0}, context, hello());
  const auto clear = running.engine->serve_plain({.port = 0}, hello());
  REQUIRE(secure);
  REQUIRE(clear);
  running.run();
  for (int count = 0; count < 20; ++count) {
    Connection plain(clear->port);
    plain.send(get);
    CHECK(answer_of(plain).starts_with("HTTP/1.1 200 OK\r\n"));
    Connection tls(secure->port, {});
    tls.send(get);
    CHECK(answer_of(tls).starts_with("HTTP/1.1 200 OK\r\n"));
  }
  const Metrics metrics = running.engine->metrics();
  CHECK(metrics.requests == 40);
  CHECK(metrics.handshakes_full == 20);
}

TEST_CASE("surface: a handler sees this hop's facts") {
  const tls::Context context = peer::make_context({peer::KeyType::ecdsa_p256});
  Running running;
  const auto bound = running.engine->serve({.port = 0}, context, [](Shard&) {
    return service([](Exchange& exchange) {
      const ConnectionFacts& facts = exchange.connection();
      const std::array fields{Field{"x-version", facts.version}, Field{"x-suite", facts.suite},
                              Field{"x-protocol", facts.protocol},
                              Field{"x-name", facts.server_name}, Field{"x-peer", facts.peer}};
      exchange.respond(200, fields, Payload::forever(body));
    });
  });
  REQUIRE(bound);
  running.run();
  peer::ClientOptions options;
  options.suites = "TLS_AES_256_GCM_SHA384";
  Connection client(bound->port, options);
  client.send(get);
  const std::string answer = answer_of(client);
  CHECK(answer.find("x-version: TLSv1.3\r\n") != std::string::npos);
  CHECK(answer.find("x-suite: TLS_AES_256_GCM_SHA384\r\n") != std::string::npos);
  CHECK(answer.find("x-protocol: http/1.1\r\n") != std::string::npos);
  CHECK(answer.find("x-name: localhost\r\n") != std::string::npos);
  CHECK(answer.find("x-peer: 127.0.0.1:") != std::string::npos);
}

TEST_CASE("surface: a job posted from another thread runs on the shard's thread") {
  Running running;
  REQUIRE(running.engine->serve_plain({.port = 0}, hello()));
  running.run();
  std::atomic<bool> ran = false;
  std::thread::id where;
  REQUIRE(running.engine->shard(0).post([&] {
    where = std::this_thread::get_id();
    ran = true;
    ran.notify_one();
  }));
  ran.wait(false);
  CHECK(where != std::this_thread::get_id());
}

TEST_CASE("surface: a drained engine ends its run, and takes no more jobs") {
  Running running;
  const auto bound = running.engine->serve_plain({.port = 0}, hello());
  REQUIRE(bound);
  running.run();
  Connection client(bound->port);
  client.send(get);
  answer_of(client);
  running.engine->drain(5s);
  running.thread.join();
  CHECK(running.ended);
  CHECK(running.engine->shard(0).ended());
  CHECK_FALSE(running.engine->shard(0).post([] {}));
  CHECK(client.read_to_end().empty());
  CHECK(running.engine->metrics().connections_open == 0);
}

TEST_CASE("surface: a connection that is reset before it is accepted is ended at once") {
  Running running;
  const auto bound = running.engine->serve_plain({.port = 0}, hello());
  REQUIRE(bound);
  for (const std::string_view sent : {"", "GET / HT", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"}) {
    Connection client(bound->port);
    client.send(sent);
    client.reset();
    const auto accepted = running.engine->metrics().connections_accepted;
    for (int turns = 0; turns < 50; ++turns) REQUIRE(running.engine->shard(0).turn(0ns));
    CHECK(running.engine->metrics().connections_accepted == accepted + 1);
    CHECK(running.engine->metrics().connections_open == 0);
  }
  running.run();
}

TEST_CASE("surface: an engine that never ran is freed with its listeners") {
  Running running;
  const auto bound = running.engine->serve_plain({.port = 0}, hello());
  REQUIRE(bound);
  running.engine.reset();
  running.engine = *Engine::create(options_of(1));
  CHECK(running.engine->serve_plain({.port = bound->port}, hello())); // The port is free again.
}

TEST_CASE("surface: an owned payload is released once, after its last byte") {
  const std::string large(300'000, 'x');
  std::atomic<int> released = 0;
  Running running;
  const auto bound = running.engine->serve_plain({.port = 0}, [&](Shard&) {
    return service([&](Exchange& exchange) {
      exchange.respond(200, {}, Payload::owned(bytes_of(large), [&] { ++released; }));
    });
  });
  REQUIRE(bound);
  running.run();
  Connection client(bound->port);
  client.send(get);
  client.read_until("\r\n\r\n");
  CHECK(client.read_bytes(large.size()) == large);
  client.send(get);
  client.read_until("\r\n\r\n");
  CHECK(client.read_bytes(large.size()) == large);
  CHECK(released == 2);
}

TEST_CASE("surface: serving after the first turn is config.invalid") {
  Running running;
  REQUIRE(running.engine->serve_plain({.port = 0}, hello()));
  REQUIRE(running.engine->shard(0).turn(0ns));
  const auto late = running.engine->serve_plain({.port = 0}, hello());
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Code::config_invalid);
  running.run();
}

/// Descriptors of this process that are listening sockets.
int find_listener() {
  for (int descriptor = 3; descriptor < 1'024; ++descriptor) {
    int listening = 0;
    socklen_t size = sizeof listening;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening) {
      return descriptor;
    }
  }
  return -1;
}

TEST_CASE("surface: a listener that breaks is accept.failed, told but not spun on") {
  Running running;
  std::atomic<int> told = 0;
  running.engine->on_error([&](const ErrorReport& report) {
    if (report.error.code != Code::accept_failed) return;
    ++told;
    told.notify_one();
  });
  REQUIRE(running.engine->serve_plain({.port = 0}, hello()));
  const int listener = find_listener();
  REQUIRE(listener >= 0);
  running.run();
  ::shutdown(listener, SHUT_RDWR); // Each accept now ends with EINVAL.
  told.wait(0);
  const auto enters = running.engine->metrics().ring_enters;
  told.wait(1);
  CHECK(running.engine->metrics().ring_enters - enters < 20);
}

TEST_CASE("surface: the engine describes the ring and the record layer in use") {
  Running running;
  const std::string text = running.engine->describe();
  CHECK(text.find("Linux ") != std::string::npos);
  CHECK(text.find("record layer: user") != std::string::npos);
  CHECK(text.find(
            "handshakes of a shard: at most 4096 at a time, costly steps in a turn: at most 1") !=
        std::string::npos);
}

TEST_CASE("surface: metrics are written as Prometheus text") {
  Running running;
  const auto bound = running.engine->serve_plain({.port = 0}, hello());
  REQUIRE(bound);
  running.run();
  Connection client(bound->port);
  client.send(get);
  answer_of(client);
  std::string text;
  running.engine->metrics().write_text(text);
  CHECK(text.find("\nringfort_requests_total 1\n") != std::string::npos);
  CHECK(text.find("stage=\"tls_handshake\"") != std::string::npos);
}

} // namespace
} // namespace ringfort::surface
