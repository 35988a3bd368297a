// Server names through the public surface: choosers that decide at once, later or never, and swaps
// under living connections.
#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include <ringfort/engine.hpp>

#include "tests/peer/identity.hpp"
#include "tests/surface/connection.hpp"

namespace ringfort::surface {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view get = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

tls::Context context_for(const std::string& name) {
  tls::ContextOptions options;
  options.identities.push_back(peer::make_identity({.name = name}));
  return *tls::Context::create(std::move(options));
}

/// Answers with the generation that the connection shook hands under.
ServiceFactory generations() {
  return [](Shard&) {
    return service([](Exchange& exchange) {
      const std::string text = "generation " + std::to_string(exchange.connection().generation);
      exchange.respond(200, {}, Payload::copied(text + "!"));
    });
  };
}

/// A server of `names` that runs until the test is over, and keeps the faults it reports.
class Server {
public:
  explicit Server(tls::LiveNames names, unsigned shards = 1,
                  std::chrono::milliseconds handshake_timeout = 10s) {
    EngineOptions options;
    options.shards = shards;
    options.block_count = 512;
    options.limits.connections_max = 1'024;
    options.limits.handshake_timeout = handshake_timeout;
    engine = *Engine::create(options);
    port = engine->serve({.port = 0}, std::move(names), generations())->port;
    thread = std::thread([this] { (void)engine->run(); });
  }
  ~Server() {
    engine->drain(1s);
    thread.join();
  }
  std::uint64_t count(Code code) const {
    return engine->metrics().faults[static_cast<std::size_t>(code)];
  }

  std::unique_ptr<Engine> engine;
  std::uint16_t port = 0;
  std::thread thread;
};

peer::ClientOptions asking_for(const std::string& name) {
  peer::ClientOptions options;
  options.server_name = name;
  return options;
}

/// The common name of the certificate that a client asking for `name` gets; empty when it is
/// refused.
std::string served(const Server& server, const std::string& name) {
  Connection connection(server.port, asking_for(name));
  connection.send(get);
  const std::string answer = connection.read_until("!");
  return answer.ends_with('!') ? connection.peer_subject() : std::string();
}

tls::LiveNames with_chooser(tls::NameChooser chooser) {
  tls::Names names;
  names.set_default(context_for("default.local"));
  REQUIRE(names.set("mapped.local", context_for("mapped.local")));
  names.set_chooser(std::move(chooser));
  return tls::LiveNames(std::move(names));
}

TEST_CASE("SNI-01, SNI-02, SNI-03, SNI-08, SNI-13: a chooser decides, by the name as it was sent") {
  const tls::Context chosen = context_for("chosen.local");
  std::atomic<unsigned> asked = 0;
  const Server server(with_chooser([&](const tls::NameQuery& query) {
    ++asked;
    if (query.name() == "Chosen.local.") return std::optional(tls::NameChoice::use(chosen));
    if (query.name() == "mapped.local") return std::optional(tls::NameChoice::look_up());
    return std::optional(tls::NameChoice::use_default());
  }));
  CHECK(served(server, "Chosen.local.") == "chosen.local");
  CHECK(served(server, "mapped.local") == "mapped.local");
  CHECK(served(server, "other.local") == "default.local");
  CHECK(asked == 3);
  CHECK(served(server, "") == "default.local");
  CHECK(asked == 3);
}

TEST_CASE("SNI-04: a refusal is tls_handshake.name_refused, an exception .choice_failed") {
  const Server server(
      with_chooser([](const tls::NameQuery& query) -> std::optional<tls::NameChoice> {
        if (query.name() == "throws.local") throw std::runtime_error("no");
        return tls::NameChoice::refuse();
      }));
  CHECK(served(server, "refused.local").empty());
  CHECK(server.count(Code::tls_handshake_name_refused) == 1);
  CHECK(served(server, "throws.local").empty());
  CHECK(server.count(Code::tls_handshake_choice_failed) == 1);
  CHECK(served(server, "") == "default.local");
}

TEST_CASE("SNI-07: a chooser may decide later, from any thread, and only once") {
  const tls::Context chosen = context_for("chosen.local");
  std::thread elsewhere;
  const Server server(with_chooser([&](const tls::NameQuery& query) {
    elsewhere = std::thread([query, &chosen] {
      query.answer(tls::NameChoice::use(chosen));
      query.answer(tls::NameChoice::refuse());
    });
    return std::optional<tls::NameChoice>();
  }));
  CHECK(served(server, "later.local") == "chosen.local");
  elsewhere.join();
}

TEST_CASE("SNI-07: a chooser that never decides is ended by tls_handshake.timed_out") {
  std::mutex mutex;
  std::optional<tls::NameQuery> kept;
  const Server server(with_chooser([&](const tls::NameQuery& query) {
                        const std::lock_guard lock(mutex);
                        kept = query;
                        return std::optional<tls::NameChoice>();
                      }),
                      1, 50ms);
  CHECK(served(server, "never.local").empty());
  CHECK(server.count(Code::tls_handshake_timed_out) == 1);
  const std::lock_guard lock(mutex);
  kept->answer(tls::NameChoice::use_default()); // Nobody is there any more.
  CHECK(served(server, "") == "default.local");
}

TEST_CASE("SNI-07: a client that leaves while the chooser thinks harms nobody") {
  std::mutex mutex;
  std::optional<tls::NameQuery> kept;
  std::atomic<bool> asked = false;
  const Server server(with_chooser([&](const tls::NameQuery& query) {
    const std::lock_guard lock(mutex);
    kept = query;
    asked = true;
    asked.notify_one();
    return std::optional<tls::NameChoice>();
  }));
  {
    Connection connection(server.port, asking_for("gone.local"));
    (void)connection.handshake_step();
    asked.wait(false);
    connection.reset();
  }
  const std::lock_guard lock(mutex);
  kept->answer(tls::NameChoice::use_default());
  CHECK(served(server, "") == "default.local");
}

TEST_CASE("SNI-18: a swap is for new handshakes on every shard; who is connected stays and is "
          "counted") {
  tls::LiveNames names(context_for("first.local"));
  const Server server(names, 2);
  Connection old(server.port, asking_for(""));
  old.send(get);
  CHECK(old.read_until("!").ends_with("generation 1!"));
  CHECK(names.replace_default(context_for("second.local")) == 2);
  for (unsigned round = 0; round < 16; ++round) { // Both shards, whoever accepts.
    REQUIRE(served(server, "") == "second.local");
  }
  old.send(get);
  CHECK(old.read_until("!").ends_with("generation 1!"));
  const auto generations = names.generations();
  REQUIRE(generations.size() == 2);
  CHECK((generations[0].number == 1 && generations[0].connections == 1));
}

TEST_CASE(
    "names: with no context at all every client is refused by name, and nothing else happens") {
  tls::Names none;
  const Server server{tls::LiveNames(none)};
  CHECK(served(server, "any.local").empty());
  CHECK(server.count(Code::tls_handshake_unknown_name) == 1);
}

} // namespace
} // namespace ringfort::surface
