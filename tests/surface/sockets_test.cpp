// Listening sockets that come from elsewhere, and go on elsewhere: what an engine takes, what it
// refuses, and that no connection in their queues is lost.
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/engine.hpp>

#include "tests/surface/connection.hpp"

namespace ringfort::surface {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view get = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// A descriptor that is closed at the end of the test.
struct Owned {
  explicit Owned(int value) : number(value) { REQUIRE(number >= 0); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { ::close(number); }
  int number;
};

int bound_socket(int type, std::uint16_t port = 0) {
  const int socket = ::socket(AF_INET, type, 0);
  const int on = 1;
  REQUIRE(::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

/// As a supervisor has them: they do not block.
int listening_socket(std::uint16_t port = 0) {
  const int socket = bound_socket(SOCK_STREAM | SOCK_NONBLOCK, port);
  REQUIRE(::listen(socket, 64) == 0);
  return socket;
}

/// An engine that says `word` until the test is over.
class Saying {
public:
  Saying(unsigned shards, std::string_view word) : word_(word) {
    EngineOptions options;
    options.shards = shards;
    options.pin_threads = false;
    options.block_count = 512;
    options.limits.connections_max = 1'024;
    engine = *Engine::create(options);
  }
  ~Saying() {
    engine->drain(1s);
    if (thread_.joinable()) thread_.join();
  }

  Result<Endpoint> serve(std::vector<int> sockets) {
    return engine->serve_plain({.port = 0, .sockets = std::move(sockets)}, [this](Shard&) {
      return service([word = word_](Exchange& exchange) {
        exchange.respond(200, {}, Payload::forever(word));
      });
    });
  }
  void run() {
    thread_ = std::thread([this] { (void)engine->run(); });
  }
  void wait() { thread_.join(); }

  std::unique_ptr<Engine> engine;

private:
  std::string_view word_;
  std::thread thread_;
};

std::string answer_from(std::uint16_t port) {
  Connection connection(port);
  connection.send(get);
  return connection.read_to_end();
}

TEST_CASE("sockets: one is shared by all shards, and stays the caller's") {
  const Owned socket(listening_socket());
  std::uint16_t port = 0;
  {
    Saying saying(3, "hello");
    const auto bound = saying.serve({socket.number});
    REQUIRE(bound);
    port = bound->port;
    CHECK(bound->host == "127.0.0.1");
    saying.run();
    for (int count = 0; count < 20; ++count) CHECK(answer_from(port).ends_with("hello"));
  }
  // The engine has ended, and who comes now waits for another.
  Connection waiting(port);
  waiting.send(get);
  Saying next(1, "again");
  REQUIRE(next.serve({socket.number}));
  next.run();
  CHECK(waiting.read_to_end().ends_with("again"));
}

TEST_CASE("sockets: of a group that outnumbers the shards each is accepted from") {
  const Owned first(listening_socket());
  Saying saying(2, "hello");
  const auto bound = saying.serve({first.number});
  REQUIRE(bound);
  std::vector<std::unique_ptr<Owned>> others;
  std::vector<int> group{first.number};
  for (int count = 0; count < 4; ++count) {
    others.push_back(std::make_unique<Owned>(listening_socket(bound->port)));
    group.push_back(others.back()->number);
  }
  Saying all(2, "hello");
  REQUIRE(all.serve(group));
  all.run();
  saying.run();
  for (int count = 0; count < 50; ++count) CHECK(answer_from(bound->port).ends_with("hello"));
}

TEST_CASE("sockets: a retired engine's successor has every connection, and the port never closes") {
  auto predecessor = std::make_unique<Saying>(2, "hello");
  const auto bound = predecessor->serve({});
  REQUIRE(bound);
  auto handed = predecessor->engine->duplicate_sockets();
  REQUIRE(handed);
  REQUIRE(handed->size() == 1);
  CHECK(handed->front().size() == 2);
  predecessor->run();
  CHECK(answer_from(bound->port).ends_with("hello"));
  Saying successor(3, "hello");
  REQUIRE(successor.serve(handed->front()));
  for (const int socket : handed->front()) ::close(socket);
  successor.run();
  predecessor->engine->retire(60s);
  predecessor->wait();
  predecessor.reset();
  for (int count = 0; count < 50; ++count) CHECK(answer_from(bound->port).ends_with("hello"));
}

Code refusal_of(int socket) {
  Saying saying(1, "nothing");
  const auto bound = saying.serve({socket});
  REQUIRE_FALSE(bound);
  return bound.error().code;
}

TEST_CASE("sockets: what is none, or not TCP's, or does not listen is refused by name") {
  const Owned file(::memfd_create("file", MFD_CLOEXEC));
  CHECK(refusal_of(file.number) == Code::listen_not_a_socket);
  CHECK(refusal_of(-1) == Code::listen_not_a_socket);
  const Owned datagrams(bound_socket(SOCK_DGRAM));
  CHECK(refusal_of(datagrams.number) == Code::listen_wrong_socket_type);
  const Owned local(::socket(AF_UNIX, SOCK_STREAM, 0));
  CHECK(refusal_of(local.number) == Code::listen_wrong_socket_type);
  const Owned idle(bound_socket(SOCK_STREAM));
  CHECK(refusal_of(idle.number) == Code::listen_not_listening);
}

} // namespace
} // namespace ringfort::surface
