// What a warm request costs, in exact counts: sends, enters, receives, allocations.
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <openssl/crypto.h>

#include <ringfort/engine.hpp>
#include <ringfort/gateway.hpp>
#include <ringfort/router.hpp>

#include "tests/peer/identity.hpp"
#include "tests/surface/connection.hpp"

namespace {

/// Allocations of this thread while the engine has it.
thread_local bool counting = false;
thread_local std::uint64_t allocations = 0;

void* counted(std::size_t bytes) {
  if (counting) ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}

void* openssl_allocate(std::size_t bytes, const char*, int) { return counted(bytes); }
void* openssl_reallocate(void* memory, std::size_t bytes, const char*, int) {
  if (counting) ++allocations;
  return std::realloc(memory, bytes);
}
void openssl_release(void* memory, const char*, int) { std::free(memory); }

// Only possible before OpenSSL has allocated anything.
const bool openssl_counted =
    CRYPTO_set_mem_functions(openssl_allocate, openssl_reallocate, openssl_release) == 1;

} // namespace

#pragma GCC diagnostic push
// Inlined, a pair of these looks to the compiler like malloc's memory given to delete.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
void* operator new(std::size_t bytes) {
  if (void* memory = counted(bytes)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
#pragma GCC diagnostic pop

namespace ringfort::surface {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view get = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
constexpr std::string_view body = "Hello, World!";

std::unique_ptr<Service> hello(Shard&) {
  return service([](Exchange& exchange) { exchange.respond(200, {}, Payload::forever(body)); });
}

/// A thousand routes, and one with a parameter among them.
std::unique_ptr<Service> routed(Shard&) {
  Router router;
  for (int number = 0; number < 1'000; ++number) {
    std::string pattern("/");
    pattern.append(std::to_string(number)).append("/:id");
    router.get(pattern, [](Exchange&) {});
  }
  router.get("/users/:id", [](Exchange& exchange, RouteParameters parameters) {
    const bool right = parameters["id"] == "7" && parameters.rest().empty();
    exchange.respond(right ? 200 : 500, {}, Payload::forever(body));
  });
  return std::move(router).build().or_exit();
}

std::unique_ptr<Engine> small_engine() {
  EngineOptions options;
  options.shards = 1;
  options.block_count = 256;
  options.limits.connections_max = 256;
  return *Engine::create(options);
}

/// A server behind a gateway: an engine of its own, so that the gateway's costs are counted alone.
class Behind {
public:
  Behind()
      : engine_(small_engine()), port_(engine_->serve_plain({.port = 0}, hello).value().port),
        gateway_(Gateway::create(
                     {.upstreams = {{.encrypted = false, .host = "127.0.0.1", .port = port_}}})
                     .value()) {}

  ServiceFactory gateway() {
    return [this](Shard& shard) { return *gateway_.service(shard); };
  }
  void turn() { REQUIRE(engine_->shard(0).turn(0ns)); }
  std::uint64_t connections() const { return engine_->metrics().connections_accepted; }

private:
  std::unique_ptr<Engine> engine_;
  std::uint16_t port_;
  Gateway gateway_;
};

/// An engine of one shard on this very thread, and clients that wait for it.
class Bench {
public:
  Bench(bool encrypted, unsigned clients, ServiceFactory factory = hello,
        std::string_view request = get, Behind* behind = nullptr)
      : request_(request), behind_(behind), engine_(small_engine()) {
    const tls::Context context = peer::make_context({peer::KeyType::ecdsa_p256});
    const auto bound = encrypted ? engine_->serve({.port = 0}, context, std::move(factory))
                                 : engine_->serve_plain({.port = 0}, std::move(factory));
    REQUIRE(bound);
    for (unsigned count = 0; count < clients; ++count) {
      clients_.push_back(encrypted
                             ? std::make_unique<Connection>(bound->port, peer::ClientOptions{})
                             : std::make_unique<Connection>(bound->port));
      if (!encrypted) continue;
      while (!clients_.back()->handshake_step()) turn();
    }
    while (engine_->metrics().connections_open < clients) turn();
  }

  /// One request of each client, together, and their answers.
  void round() {
    const std::uint64_t wanted = engine_->metrics().sent_bytes;
    const std::uint64_t responses = engine_->metrics().responses + clients_.size();
    for (const auto& client : clients_) client->send(request_);
    while (engine_->metrics().responses < responses) turn();
    turn(); // Their sends go out with the next enter.
    REQUIRE(engine_->metrics().sent_bytes > wanted);
    for (const auto& client : clients_) {
      const std::string answer = client->read_until(body);
      REQUIRE((answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(body)));
    }
  }

  void turn() {
    counting = true;
    const auto turned = engine_->shard(0).turn(0ns);
    counting = false;
    REQUIRE(turned);
    if (behind_ != nullptr) behind_->turn();
  }
  Metrics metrics() const { return engine_->metrics(); }

private:
  std::string_view request_;
  Behind* behind_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::unique_ptr<Connection>> clients_;
};

struct Cost {
  std::uint64_t sends;
  std::uint64_t enters;
  std::uint64_t receives;
  std::uint64_t allocations;
};

Cost cost_of(Bench& bench, unsigned rounds) {
  for (int warm = 0; warm < 3; ++warm) bench.round();
  const Metrics before = bench.metrics();
  allocations = 0;
  for (unsigned count = 0; count < rounds; ++count) bench.round();
  const std::uint64_t allocated = allocations;
  const Metrics after = bench.metrics();
  return {.sends = after.ring_sends - before.ring_sends,
          .enters = after.ring_enters - before.ring_enters,
          .receives = after.ring_receives - before.ring_receives,
          .allocations = allocated};
}

TEST_CASE("cost: allocations are counted, those of OpenSSL too") {
  REQUIRE(openssl_counted);
  counting = true;
  allocations = 0;
  delete new int(0);
  OPENSSL_free(OPENSSL_malloc(1));
  counting = false;
  CHECK(allocations >= 1); // The compiler may leave out the first pair.
}

TEST_CASE("cost: a warm request over TLS is one send, one enter and its share, no allocation") {
  Bench bench(true, 1);
  const Cost cost = cost_of(bench, 100);
  CHECK(cost.sends == 100);
  CHECK(cost.enters == 200); // One that finds the request, one that submits the answer.
  CHECK(cost.receives == 0); // The multishot receive stays armed.
  CHECK(cost.allocations == 0);
}

// Sixteen, because Linux 6.14 and later run the work of about 20 completions in one enter.
TEST_CASE("cost: sixteen requests that come together share two enters") {
  Bench bench(true, 16);
  const Cost cost = cost_of(bench, 20);
  CHECK(cost.sends == 16 * 20);
  CHECK(cost.enters == 2 * 20);
  CHECK(cost.allocations == 0);
}

TEST_CASE("cost: a warm request in clear text costs the same") {
  Bench bench(false, 1);
  const Cost cost = cost_of(bench, 100);
  CHECK(cost.sends == 100);
  CHECK(cost.enters == 200);
  CHECK(cost.allocations == 0);
}

TEST_CASE("cost: a request that is routed, among a thousand routes, costs the same") {
  Bench bench(false, 1, routed, "GET /users/7?x=y HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const Cost cost = cost_of(bench, 100);
  CHECK(cost.sends == 100);
  CHECK(cost.enters == 200);
  CHECK(cost.allocations == 0);
}

TEST_CASE("cost: a warm request through a gateway is two sends and no allocation") {
  Behind behind;
  Bench bench(true, 1, behind.gateway(), get, &behind);
  const Cost cost = cost_of(bench, 100);
  CHECK(cost.sends == 2 * 100);
  CHECK(cost.receives == 0);
  CHECK(cost.allocations == 0);
}

TEST_CASE("cost: requests that come together go through a gateway over the same connections") {
  constexpr unsigned clients = 64;
  Behind behind;
  Bench bench(false, clients, behind.gateway(), get, &behind);
  const Cost cost = cost_of(bench, 20);
  CHECK(cost.sends == 2 * 20 * clients);
  CHECK(cost.receives == 0);
  CHECK(behind.connections() == clients);
}

} // namespace
} // namespace ringfort::surface
