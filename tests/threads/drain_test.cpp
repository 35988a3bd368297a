// A drain asked for by several threads at once, and counters read by others all the while.
#include <atomic>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include "tests/peer/identity.hpp"
#include "tests/surface/connection.hpp"
#include "tests/threads/running.hpp"

namespace ringfort::threads {
namespace {

using surface::Connection;

ServiceFactory hello() {
  return [](Shard&) {
    return service([](Exchange& exchange) { exchange.respond(200, {}, Payload::forever("hi!")); });
  };
}

/// Asks until the server says no more. Answers how often it was answered.
unsigned ask_to_the_end(Connection& client, std::atomic<unsigned>& answered) {
  unsigned count = 0;
  while (true) {
    client.send(get);
    if (!client.read_until("!").ends_with('!')) return count;
    ++count;
    ++answered;
    answered.notify_all();
  }
}

/// True while counters that only grow did so.
bool grew(const Metrics& before, const Metrics& now) {
  return now.requests >= before.requests && now.ring_enters >= before.ring_enters &&
         now.connections_accepted >= before.connections_accepted &&
         now.handshakes_full >= before.handshakes_full;
}

TEST_CASE("threads: several threads drain while clients ask, in clear text and over TLS") {
  constexpr unsigned clients = 4;
  constexpr unsigned drainers = 3;
  constexpr unsigned answers_before_the_end = 100;
  const tls::Context context = peer::make_context({peer::KeyType::ecdsa_p256});
  std::atomic<unsigned> answered = 0;
  std::atomic<unsigned> shrunk = 0;
  std::atomic<std::uint64_t> told = 0;
  Running running;
  running->on_error([&told](const ErrorReport&) { ++told; });
  const auto clear = running->serve_plain({.port = 0}, hello());
  const auto secure = running->serve({.port = 0}, context, hello());
  REQUIRE(clear);
  REQUIRE(secure);
  running.run();
  together(clients + drainers + 1, [&](unsigned index) {
    if (index < clients) {
      Connection client = index % 2 == 0 ? Connection(clear->port) : Connection(secure->port, {});
      ask_to_the_end(client, answered);
    } else if (index < clients + drainers) {
      for (unsigned seen = answered; seen < answers_before_the_end; seen = answered) {
        answered.wait(seen);
      }
      running->drain(std::chrono::milliseconds(1'000 * (clients + drainers - index)));
    } else {
      Metrics before;
      for (bool ended = false; !ended;) {
        ended = true;
        for (unsigned shard = 0; shard < shard_count; ++shard) {
          ended = running->shard(shard).ended() && ended;
        }
        const Metrics now = running->metrics();
        if (!grew(before, now)) ++shrunk;
        before = now;
        std::this_thread::yield(); // To the shards, which have more to do.
      }
    }
  });
  REQUIRE(running.join());
  CHECK(shrunk == 0);
  const Metrics metrics = running->metrics();
  CHECK(metrics.responses >= answered);
  CHECK(metrics.connections_open == 0);
  CHECK(metrics.blocks_in_use == 0);
  std::uint64_t faults = 0;
  for (const std::uint64_t count : metrics.faults) faults += count;
  CHECK(told == faults);
}

TEST_CASE("threads: an engine describes itself to other threads while its shards begin and end") {
  for (unsigned round = 0; round < 3; ++round) {
    Running running;
    REQUIRE(running->serve_plain({.port = 0}, hello()));
    const std::string before = running->describe();
    std::atomic<unsigned> silent = 0;
    together(3, [&](unsigned index) {
      if (index == 0) {
        running.run();
        running->drain(std::chrono::milliseconds::zero());
      } else if (running->describe().empty() || running->memory_bytes_max() == 0) {
        ++silent;
      }
    });
    CHECK(running.join());
    CHECK(silent == 0);
    CHECK(running->describe().size() >= before.size());
  }
}

} // namespace
} // namespace ringfort::threads
